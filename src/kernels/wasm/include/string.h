// The part of the C library's string.h that the kernels use, for WebAssembly, which has no C library. Constant sizes
// become plain loads and stores; the others the memory instructions of WebAssembly.
#ifndef SCANTLING_WASM_STRING_H
#define SCANTLING_WASM_STRING_H
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);

#endif
