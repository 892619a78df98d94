# SPDX-License-Identifier: Apache-2.0
# cmake -DFOLDER=folder -DOUT=file.cpp -P embed_folder.cmake
# Makes the files of web/dist part of the program, as they are and gzipped: web_files() of
# bridge/http/web/dashboard.hpp. The assembler takes the bytes, so any file will do; the hash of each
# stands in the source, so that a changed file is a changed source for a compiler cache.
cmake_minimum_required(VERSION 3.25)
file(GLOB_RECURSE files RELATIVE ${FOLDER} ${FOLDER}/*)
list(SORT files)
if(NOT "index.html" IN_LIST files)
  message(FATAL_ERROR "${FOLDER} has no index.html: build the dashboard (web/README.md)")
endif()
get_filename_component(place ${OUT} DIRECTORY)
set(parts "")
set(rows "")
set(number 0)

# the bytes of `file` as a symbol; sets `view` to what reads it
function(embed file symbol)
  file(SIZE ${file} size)
  string(APPEND parts
    "asm(\".pushsection .rodata\\n.global ${symbol}\\n${symbol}:\\n.incbin \\\"${file}\\\"\\n.byte 0\\n.popsection\\n\");\n"
    "extern \"C\" const char ${symbol}[];\n")
  set(parts "${parts}" PARENT_SCOPE)
  set(view "{${symbol}, ${size}}" PARENT_SCOPE)
endfunction()

foreach(name IN LISTS files)
  file(SHA256 ${FOLDER}/${name} hash)
  string(SUBSTRING ${hash} 0 16 tag)
  embed(${FOLDER}/${name} pollux_web_${number})
  set(plain "${view}")
  set(view "{}")
  file(SIZE ${FOLDER}/${name} size)
  if(size GREATER 1000)
    set(small ${place}/web_${number}.gz)
    execute_process(COMMAND gzip -9nc ${FOLDER}/${name} OUTPUT_FILE ${small} COMMAND_ERROR_IS_FATAL ANY)
    file(SIZE ${small} small_size)
    math(EXPR worth "${size} * 9 / 10")
    if(small_size LESS worth)
      embed(${small} pollux_web_${number}_gzip)
    endif()
  endif()
  string(APPEND rows "      {\"/${name}\", ${plain}, ${view}, \"${tag}\"},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT} "// made of web/dist by embed_folder.cmake\n#include \"bridge/http/web/dashboard.hpp\"\n${parts}"
  "namespace pollux::bridge::http {\nstd::span<const web_file> web_files() noexcept {\n"
  "  static const web_file files[] = {\n${rows}  };\n  return files;\n}\n}\n")
