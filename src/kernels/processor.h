// What differs between processors outside vector arithmetic: a spinning thread's breath, and denormals.
//
// Denormals (below 1.2e-38 in float) cost up to a hundred times an ordinary operation on x86 and carry nothing that
// training needs, so kernels read and write them as zero wherever the processor can. The calling thread gets its own
// setting back after the run.
#ifndef SCANTLING_PROCESSOR_H
#define SCANTLING_PROCESSOR_H
#include <stdint.h>

static inline void breathe(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Flushes denormals to zero on this thread; returns the setting to give back to restore_denormals.
static inline uint64_t flush_denormals(void) {
#if defined(__x86_64__)
  uint32_t before = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(before | 0x8040); // results to zero, operands read as zero
  return before;
#elif defined(__aarch64__)
  uint64_t before;
  __asm__ volatile("mrs %0, fpcr" : "=r"(before));
  __asm__ volatile("msr fpcr, %0" : : "r"(before | (UINT64_C(1) << 24)));
  return before;
#else
  return 0;
#endif
}

static inline void restore_denormals(uint64_t before) {
#if defined(__x86_64__)
  __builtin_ia32_ldmxcsr((uint32_t)before);
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" : : "r"(before));
#else
  (void)before;
#endif
}

#endif
