# SPDX-License-Identifier: Apache-2.0
# The receiver against mosquitto: TLS with client certificates and what is refused there, passwords,
# both versions of MQTT, shared subscriptions, and several connections with each device in order.
import collections
import json
import pathlib
import socket
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import node as support  # noqa: E402

START = 1_700_000_000_000

# started by root, mosquitto must stay root to read a test's own folder
CONFIG = support.BROKER_CONFIG + "user root\n"

TLS = CONFIG.replace("listener %d 127.0.0.1", """\
per_listener_settings true
listener {plain} 127.0.0.1
allow_anonymous true
listener %d 127.0.0.1
tls_version tlsv1.3
cafile {folder}/ca.pem
certfile {folder}/{server}.pem
keyfile {folder}/{server}.key
require_certificate true""")

PASSWORDS = CONFIG.replace("allow_anonymous true", """\
allow_anonymous false
password_file {folder}/passwords""")


class Certificates:
    """Two authorities and what they signed, in a folder."""

    def __init__(self, folder):
        self.folder = folder
        for ca in ("ca", "other-ca"):
            self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                          "-nodes", "-days", "2", "-subj", "/CN=test " + ca, "-keyout", ca + ".key",
                          "-out", ca + ".pem")
        self.sign("server", "IP:127.0.0.1,DNS:localhost")
        self.sign("elsewhere", "DNS:elsewhere.invalid")
        self.sign("expired", "IP:127.0.0.1", days=-1)
        self.sign("client", "DNS:pollux")
        self.sign("stranger", "DNS:pollux", ca="other-ca")

    def _openssl(self, *words):
        done = subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError("openssl %s: %s" % (" ".join(words), done.stderr))

    def sign(self, name, names, ca="ca", days=2):
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", "/CN=" + name, "-keyout", name + ".key", "-out", name + ".csr")
        (self.folder / "names").write_text("subjectAltName=" + names)
        self._openssl("x509", "-req", "-in", name + ".csr", "-CA", ca + ".pem", "-CAkey",
                      ca + ".key", "-CAcreateserial", "-days", str(days), "-extfile", "names",
                      "-out", name + ".pem")


class ReceiverTest(support.NodeTest):
    with_broker = False

    def begin(self, config):
        self.broker = support.Broker(self.folder, config)
        self._stack.callback(self.broker.stop)
        self.broker.start()

    def make_node(self, ingress=None, **mqtt):
        made = self.node(["device"],
                         ingress or [{"topic": "t/{name}", "twin": "r:{name}", "model": "device"}],
                         mqtt={"source": support.source() or "receiver", "reconnect_min": "20ms",
                               "reconnect_max": "200ms", **mqtt})
        return made

    def send(self, client, topic, first, count, qos=1):
        for i in range(first, first + count):
            client.publish(topic, json.dumps({"ts": START + i * 1000, "temperature": 20 + i % 3}), qos)

    def check_stored(self, node, twin, count):
        support.eventually(lambda: node.applied(twin) >= count, 20,
                           lambda: "%d readings of %s: %s" % (count, twin, node.applied(twin)))
        rows = node.history(twin, "--telemetry", "temperature")
        stored = collections.Counter(support.instant(r["event_time"]) // 1_000_000 for r in rows)
        self.assertEqual(stored, {START + i * 1000: 1 for i in range(count)})

    # --- TLS

    def begin_tls(self, server):
        self.certificates = Certificates(self.folder)
        self.plain = support.free_port()
        self.begin(TLS.format(plain=self.plain, folder=self.folder, server=server))

    def tls_node(self, ca="ca", own="client", host="127.0.0.1", **mqtt):
        keys = {"url": "ssl://%s:%d" % (host, self.broker.port), "ca_file": str(self.folder / ca) + ".pem"}
        if own:
            keys["certificate_file"] = str(self.folder / own) + ".pem"
            keys["key_file"] = str(self.folder / own) + ".key"
        return self.make_node(**keys, **mqtt)

    def plain_client(self, name, **options):
        made = support.mqtt.Client(self.plain, name, **options)
        self._stack.callback(made.close)
        return made

    def check_tls_readings(self, version):
        self.begin_tls("server")
        node = self.tls_node(version=version).start()
        sender = self.plain_client("sender", window=500)
        self.send(sender, "t/a", 0, 3000)  # more than one TLS record, more than one read
        sender.publish("t/b", json.dumps({"ts": START, "temperature": 20, "note": "n" * 200_000}), 1)
        sender.drain()
        self.check_stored(node, "r:a", 3000)
        self.check_stored(node, "r:b", 1)
        self.broker.stop()
        support.eventually(lambda: not node.ready(), 20, "not ready without its broker")
        self.broker.start()
        node.wait_ready()
        self.assertEqual(node.stop()[0], 0)

    def test_readings_over_tls_with_a_client_certificate_in_mqtt_5(self):
        self.check_tls_readings(5)

    def test_readings_over_tls_with_a_client_certificate_in_mqtt_3_1_1(self):
        self.check_tls_readings(3)

    def refused(self, node, *words):
        """Not ready, and both the page and the log say why in these words."""
        node.start(ready=False)

        def said():
            text = node.http("/readyz")[1].lower()
            return "[-]broker" in text and any(w in text for w in words)
        support.eventually(said, 20, lambda: "one of %s: %r" % (words, node.readyz_or_error()))
        self.assertEqual(node.http("/readyz")[0], 503)
        log = node.log().lower()
        self.assertTrue(any(w in log for w in words), log[-2000:])
        self.assertEqual(node.http("/healthz")[0], 200)
        self.assertEqual(node.metric("pollux_mqtt_connects_total", direction="in"), 0)
        self.assertEqual(node.stop()[0], 0)

    def test_a_broker_signed_by_another_authority_is_refused(self):
        self.begin_tls("server")
        self.refused(self.tls_node(ca="other-ca"), "unable to get local issuer", "self-signed",
                     "self signed", "certificate verify failed", "not trusted")

    def test_an_expired_certificate_is_refused(self):
        self.begin_tls("expired")
        self.refused(self.tls_node(), "expired")

    def test_a_certificate_of_another_host_is_refused(self):
        self.begin_tls("elsewhere")
        self.refused(self.tls_node(), "address mismatch", "ip address", "hostname", "host name",
                     "another host")

    def test_a_host_name_is_checked_and_taken(self):
        self.begin_tls("server")
        try:
            socket.getaddrinfo("localhost", None)
        except socket.gaierror as why:  # a bare chroot has no /etc/hosts: there is no name to check
            self.skipTest("this machine does not know localhost: %s" % why)
        self.tls_node(host="localhost").start()

    def test_a_client_certificate_is_asked_for(self):
        self.begin_tls("server")
        self.refused(self.tls_node(own=None), "certificate required", "alert", "handshake")

    def test_a_client_certificate_of_another_authority_is_refused(self):
        self.begin_tls("server")
        self.refused(self.tls_node(own="stranger"), "unknown ca", "alert", "decrypt error")

    # --- user name and password

    def begin_with_passwords(self):
        passwords = self.folder / "passwords"
        for name, word in (("pollux", "right words"), ("sender", "x")):
            subprocess.run(["mosquitto_passwd", "-b", *([] if passwords.exists() else ["-c"]),
                            str(passwords), name, word], check=True, capture_output=True)
        passwords.chmod(0o644)
        self.begin(PASSWORDS.format(folder=self.folder))

    def password_node(self, word, **mqtt):
        file = self.folder / "password"
        file.write_text(word + "\n")
        return self.make_node(username="pollux", password_file=str(file), **mqtt)

    def test_user_name_and_password_in_both_versions(self):
        self.begin_with_passwords()
        for version in (5, 3):
            with self.subTest(version=version):
                node = self.password_node("right words", version=version)
                node.start()
                self.assertEqual(node.stop()[0], 0)

    def test_a_wrong_password_is_told(self):
        self.begin_with_passwords()
        for version in (5, 3):
            with self.subTest(version=version):
                self.refused(self.password_node("wrong words", version=version), "authori")

    # --- subscriptions

    def test_a_shared_subscription_is_divided_and_nothing_is_lost(self):
        self.begin(support.BROKER_CONFIG)
        ingress = [{"topic": "t/{name}", "twin": "r:{name}", "model": "device", "share": "g"}]
        nodes = []
        for name in ("one", "two"):
            made = self.node(["device"], ingress, name=name, mqtt={
                "client_id": name, "source": support.source() or "receiver",
                "will_topic": "pollux/%s/status" % name})
            nodes.append(made.start())
        with self.client("sender") as sender:
            for i in range(400):
                self.send(sender, "t/d%d" % i, 0, 1)
            sender.drain()
        support.eventually(lambda: sum(n.metric("pollux_twin_readings_total") for n in nodes) >= 400,
                           20, "all of them")
        counts = [n.metric("pollux_twin_readings_total") for n in nodes]
        self.assertEqual(sum(counts), 400, "each reading at one of the two: %s" % counts)
        self.assertGreater(min(counts), 0, "both have a share")

    def test_several_connections_keep_each_device_in_order(self):
        self.begin(support.BROKER_CONFIG)
        node = self.make_node([
            {"topic": "t/{name}", "twin": "r:{name}", "model": "device"},
            {"topic": "x/{name}", "twin": "x:{name}", "model": "device", "connection": "x"},
            {"topic": "y/{name}", "twin": "y:{name}", "model": "device", "connection": "y", "qos": 2},
        ]).start()
        for client in ("pollux", "pollux-x", "pollux-y"):
            self.assertIn('client_id=%s ' % client, node.log().replace('"', "") + " ")
        devices = [(space, "d%d" % i) for space in "txy" for i in range(5)]
        errors = []

        def load(space):
            try:
                with self.broker.client("sender-" + space, window=300) as sender:
                    for i in range(1, 401):
                        for name in (d for s, d in devices if s == space):
                            # no time of its own: its place in the history is that of its arrival
                            sender.publish("%s/%s" % (space, name),
                                           json.dumps({"seq": i, "temperature": i / 8}), 1)
                    sender.drain()
            except Exception as error:  # the test fails with it
                errors.append(error)
        threads = [threading.Thread(target=load, args=(space,)) for space in "txy"]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
        self.assertEqual(errors, [])
        for space, name in devices:
            twin = "%s:%s" % ("r" if space == "t" else space, name)
            support.eventually(lambda t=twin: node.applied(t) >= 400, 20, "all of " + twin)
            rows = node.history(twin, "--telemetry", "temperature")
            self.assertEqual([r["value"] for r in rows], [i / 8 for i in range(1, 401)], twin)

    def test_messages_of_the_time_between_come_through_every_connection(self):
        self.begin(support.BROKER_CONFIG)
        node = self.make_node([
            {"topic": "t/{name}", "twin": "r:{name}", "model": "device"},
            {"topic": "x/{name}", "twin": "x:{name}", "model": "device", "connection": "x", "qos": 2},
        ]).start()
        node.kill()
        with self.client("sender") as sender:
            self.send(sender, "t/a", 0, 50)
            self.send(sender, "x/a", 0, 50, qos=2)
            sender.drain()
        node.start()
        self.check_stored(node, "r:a", 50)
        self.check_stored(node, "x:a", 50)

    def test_quality_of_service_2_is_stored_once(self):
        self.begin(support.BROKER_CONFIG)
        node = self.make_node([{"topic": "t/{name}", "twin": "r:{name}", "model": "device",
                                "qos": 2, "durability": "D2"}]).start()
        with self.client("sender") as sender:
            self.send(sender, "t/a", 0, 300, qos=2)
            sender.drain()
        self.check_stored(node, "r:a", 300)


if __name__ == "__main__":
    unittest.main(verbosity=2)
