// How fast one thread multiplies and adds. Knows no threads.
#ifndef SCANTLING_WASM_PROBE_H
#define SCANTLING_WASM_PROBE_H
#include <stdint.h>

// GFLOP/s of multiply-adds on vectors in registers, tried for so long.
double probe_gflops(int32_t milliseconds);

#endif
