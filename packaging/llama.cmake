# Included when llama.cpp is configured: build only what chatapp loads, and nothing that crashes.

# libllama and ggml. llama-cpp-python always switches on llama.cpp's "common" library as well (chat
# parsing, download and command-line helpers), which nothing here uses; a normal variable set at
# project() time keeps it off.
set(LLAMA_BUILD_COMMON OFF)

# No AMX (tile instructions of Intel's server processors since Sapphire Rapids). GCC 12 tells its
# optimiser that only the first 8 bytes of a tile configuration are read, so the rest is never
# written, and the first evaluation ends in a segmentation fault (llama.cpp's issue 20824).
include(CheckCXXCompilerFlag)
check_cxx_compiler_flag(-mno-amx-tile CHATAPP_KNOWS_AMX)
if(CHATAPP_KNOWS_AMX)
  add_compile_options(-mno-amx-tile -mno-amx-int8 -mno-amx-bf16)
endif()
