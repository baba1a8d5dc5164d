# Build only what chatapp loads: libllama and ggml. llama-cpp-python always switches on llama.cpp's
# "common" library as well (chat parsing, download and command-line helpers), which nothing here
# uses; a normal variable set at project() time keeps it off.
set(LLAMA_BUILD_COMMON OFF)
