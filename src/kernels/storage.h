// Conversion between element types in memory and registers, one number at a time, in a form that compilers vectorise.
#ifndef SCANTLING_STORAGE_H
#define SCANTLING_STORAGE_H
#include "tape.h"
#include <string.h>

static inline uint32_t float_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline float bits_float(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static inline float half_to_float(uint16_t half) {
  uint32_t magnitude = half & 0x7fffu;
  uint32_t normal = (magnitude << 13) + (112u << 23);
  uint32_t special = normal + (112u << 23); // infinities and NaN
  uint32_t small = float_bits((float)(int32_t)magnitude * 0x1p-24f);
  uint32_t bits = magnitude >= 0x7c00u ? special : magnitude < 0x400u ? small : normal;
  return bits_float(bits | (uint32_t)(half & 0x8000u) << 16);
}

// Nearest, ties to even; 65520 and beyond become infinite.
static inline uint16_t float_to_half(float x) {
  uint32_t bits = float_bits(x), magnitude = bits & 0x7fffffffu;
  uint32_t normal = (magnitude + 0xfffu + ((magnitude >> 13) & 1u) - (112u << 23)) >> 13;
  uint32_t small = float_bits(bits_float(magnitude) + 0.5f) - float_bits(0.5f); // the sum rounds at 2^-24
  uint32_t special = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
  uint32_t half = magnitude >= 0x477ff000u ? special : magnitude < 0x38800000u ? small : normal;
  return (uint16_t)(half | ((bits >> 16) & 0x8000u));
}

static inline float bfloat_to_float(uint16_t bfloat) { return bits_float((uint32_t)bfloat << 16); }

// Nearest, ties to even.
static inline uint16_t float_to_bfloat(float x) {
  uint32_t bits = float_bits(x);
  uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? (bits >> 16) | 0x40u : rounded);
}

#endif
