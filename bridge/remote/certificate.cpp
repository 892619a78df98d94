// SPDX-License-Identifier: Apache-2.0
#include "bridge/remote/certificate.hpp"
#include <ctime>
#include <memory>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace pollux::bridge::remote {

namespace {

template <auto Free> struct deleter {
  template <class T> void operator()(T* p) const { Free(p); }
};
using bio = std::unique_ptr<BIO, deleter<BIO_free_all>>;
using key = std::unique_ptr<EVP_PKEY, deleter<EVP_PKEY_free>>;
using x509 = std::unique_ptr<X509, deleter<X509_free>>;
using extension = std::unique_ptr<X509_EXTENSION, deleter<X509_EXTENSION_free>>;
using big_number = std::unique_ptr<BIGNUM, deleter<BN_free>>;

failure openssl_failure(const char* doing) {
  char text[256] = "no reason given";
  if (const auto code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return {errc::internal, std::string("cannot ") + doing + ": " + text};
}

bio reader(const std::string& text) {
  return bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string content(const bio& from) {
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(from.get(), &bytes);
  return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string{};
}

// A damaged PEM must not make OpenSSL ask for a passphrase on the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

x509 parse_certificate(const std::string& pem) {
  x509 out(PEM_read_bio_X509(reader(pem).get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return out;
}

key parse_key(const std::string& pem) {
  key out(PEM_read_bio_PrivateKey(reader(pem).get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return out;
}

bool set_random_serial(X509* certificate) {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40); // positive, never short
  const big_number number(BN_bin2bn(bytes, sizeof bytes, nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_name(X509* certificate, const std::string& common_name) {
  auto* name = X509_get_subject_name(certificate);
  const auto put = [&](const char* field, const std::string& value) {
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(value.data()),
                                      static_cast<int>(value.size()), -1, 0) == 1;
  };
  return put("O", "Pollux") && put("CN", common_name);
}

bool add_extension(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const extension made(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  return made && X509_add_ext(certificate, made.get(), -1) == 1;
}

bool add_extensions(X509* certificate, X509* issuer, usage use) {
  const auto add = [&](int kind, const char* value) {
    return add_extension(certificate, issuer, kind, value);
  };
  if (!add(NID_subject_key_identifier, "hash")) return false;
  if (use == usage::authority)
    return add(NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           add(NID_key_usage, "critical,keyCertSign,cRLSign");
  if (!add(NID_authority_key_identifier, "keyid:always") ||
      !add(NID_basic_constraints, "critical,CA:FALSE") ||
      !add(NID_key_usage, "critical,digitalSignature"))
    return false;
  if (use == usage::client) return add(NID_ext_key_usage, "clientAuth");
  return add(NID_ext_key_usage, "serverAuth,clientAuth") &&
         add(NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
}

/// From an hour before `plan.from_s`, to its last day or the issuer's.
bool set_times(X509* certificate, X509* issuer, const certificate_plan& plan) {
  std::time_t from = plan.from_s; // OpenSSL reads it through a pointer to non-const
  if (X509_time_adj_ex(X509_getm_notBefore(certificate), 0, -3600, &from) == nullptr) return false;
  auto* end = X509_getm_notAfter(certificate);
  if (X509_time_adj_ex(end, static_cast<int>(plan.days), 0, &from) == nullptr) return false;
  const auto* last = X509_get0_notAfter(issuer);
  if (issuer == certificate || ASN1_TIME_compare(end, last) <= 0) return true;
  return X509_set1_notAfter(certificate, last) == 1;
}

} // namespace

result<key_pair> make_certificate(const certificate_plan& plan, const key_pair* authority) {
  const key own(EVP_EC_gen("P-256"));
  const x509 certificate(X509_new());
  if (!own || !certificate) return openssl_failure("make a key");
  const auto issuer = authority ? parse_certificate(authority->certificate) : x509{};
  const auto issuer_key = authority ? parse_key(authority->key) : key{};
  if (authority && (!issuer || !issuer_key))
    return failure{errc::corrupt, "the authority's certificate or key is damaged"};
  X509* signed_by = authority ? issuer.get() : certificate.get();
  EVP_PKEY* signing = authority ? issuer_key.get() : own.get();

  const bool made =
      X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
      set_random_serial(certificate.get()) && set_name(certificate.get(), plan.common_name) &&
      set_times(certificate.get(), signed_by, plan) &&
      X509_set_pubkey(certificate.get(), own.get()) == 1 &&
      X509_set_issuer_name(certificate.get(), X509_get_subject_name(signed_by)) == 1 &&
      add_extensions(certificate.get(), signed_by, plan.use) &&
      X509_sign(certificate.get(), signing, EVP_sha256()) != 0;
  if (!made) return openssl_failure("make a certificate");

  const bio key_text(BIO_new(BIO_s_mem()));
  const bio certificate_text(BIO_new(BIO_s_mem()));
  if (!key_text || !certificate_text ||
      PEM_write_bio_PKCS8PrivateKey(key_text.get(), own.get(), nullptr, nullptr, 0, nullptr,
                                    nullptr) != 1 ||
      PEM_write_bio_X509(certificate_text.get(), certificate.get()) != 1)
    return openssl_failure("write a certificate");
  return key_pair{content(key_text), content(certificate_text)};
}

result<std::int64_t> expiry_s(const std::string& certificate) {
  const auto parsed = parse_certificate(certificate);
  std::tm end{};
  if (!parsed || ASN1_TIME_to_tm(X509_get0_notAfter(parsed.get()), &end) != 1)
    return failure{errc::corrupt, "not a certificate in PEM form"};
  return static_cast<std::int64_t>(::timegm(&end));
}

bool belongs_together(const key_pair& pair, const std::string* authority) {
  const auto certificate = parse_certificate(pair.certificate);
  const auto own = parse_key(pair.key);
  if (!certificate || !own) return false;
  bool fits = X509_check_private_key(certificate.get(), own.get()) == 1;
  if (fits && authority != nullptr) {
    const auto issuer = parse_certificate(*authority);
    fits = issuer && X509_check_issued(issuer.get(), certificate.get()) == X509_V_OK &&
           X509_verify(certificate.get(), X509_get0_pubkey(issuer.get())) == 1;
  }
  ERR_clear_error();
  return fits;
}

} // namespace pollux::bridge::remote
