# SPDX-License-Identifier: Apache-2.0
# cmake -DIN=file -DOUT=file.cpp -DHEADER=include/path.hpp -DFUNCTION=name -P embed_text.cmake
# Makes a text a function of the program: std::string_view pollux::bridge::http::name().
file(READ ${IN} content)
file(WRITE ${OUT} "// made of ${HEADER}'s text by embed_text.cmake\n#include \"${HEADER}\"\n"
  "namespace pollux::bridge::http {\nstd::string_view ${FUNCTION}() noexcept {\n"
  "  static constexpr std::string_view text = R\"embedded(" "${content}" ")embedded\";\n  return text;\n}\n}\n")
