// The part of the C library's string.h that the kernels use, for WebAssembly, which has no C library. Constant sizes
// become plain loads and stores, the others the memory instructions of WebAssembly.
#ifndef SCANTLING_WASM_STRING_H
#define SCANTLING_WASM_STRING_H
#include <stddef.h>

#define INLINE_STRING static inline __attribute__((always_inline))

INLINE_STRING void *memcpy(void *restrict to, const void *restrict from, size_t bytes) {
  return __builtin_memcpy(to, from, bytes);
}
INLINE_STRING void *memmove(void *to, const void *from, size_t bytes) { return __builtin_memmove(to, from, bytes); }
INLINE_STRING void *memset(void *to, int byte, size_t bytes) { return __builtin_memset(to, byte, bytes); }

#endif
