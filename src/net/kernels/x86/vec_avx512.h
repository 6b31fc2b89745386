/* SPDX-License-Identifier: Apache-2.0 */
/* vec_avx512.h -- sixteen floats: AVX-512 F, BW, VL, DQ. */
#ifndef FOV_NET_KERNELS_X86_VEC_AVX512_H
#define FOV_NET_KERNELS_X86_VEC_AVX512_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

typedef __m512 vf;
typedef __m512i vi;
enum { VF = 16 };

#define vf_load(p)      _mm512_loadu_ps(p)
#define vf_store(p, v)  _mm512_storeu_ps(p, v)
#define vf_load_half(p) _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(p)))
#define vf_store_half(p, v)                                                                        \
    _mm256_storeu_si256((__m256i *)(p), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT))
#define vf_set1(x)       _mm512_set1_ps(x)
#define vf_add(a, b)     _mm512_add_ps(a, b)
#define vf_sub(a, b)     _mm512_sub_ps(a, b)
#define vf_mul(a, b)     _mm512_mul_ps(a, b)
#define vf_div(a, b)     _mm512_div_ps(a, b)
#define vf_min(a, b)     _mm512_min_ps(a, b)
#define vf_max(a, b)     _mm512_max_ps(a, b)
#define vf_fma(a, b, c)  _mm512_fmadd_ps(a, b, c)
#define vf_fnma(a, b, c) _mm512_fnmadd_ps(a, b, c)
#define vf_fms(a, b, c)  _mm512_fmsub_ps(a, b, c)
#define vf_round(v)      _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define vf_max_abs(a, b) _mm512_range_ps(a, b, 0x0b) /* the larger magnitude, sign cleared */
#define vf_from_int(v)   _mm512_cvtepi32_ps(v)
#define vf_peak(v)       _mm512_reduce_max_ps(v)
#define vf_prelu(v, slope)                                                                         \
    _mm512_mask_mul_ps(v, _mm512_movepi32_mask(_mm512_castps_si512(v)), v, slope)
/* 2^n for whole n. */
#define vf_pow2(n) _mm512_scalef_ps(_mm512_set1_ps(1), n)

#define vi_load(p)     _mm512_loadu_si512(p)
#define vi_store(p, v) _mm512_storeu_si512(p, v)
#define vi_zero()      _mm512_setzero_si512()

/* Values of p[0], p[1], p[2], p[0], p[1] ...; four floats are read. */
static inline vf vf_repeat3(const float *p, int i)
{
    (void)i; /* one vector is more than a pixel has */
    return _mm512_permutexvar_ps(_mm512_setr_epi32(0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0),
                                 _mm512_castps128_ps512(_mm_loadu_ps(p)));
}

/* 2 * VF floats to whole numbers of 16 bits, saturated, in order. */
static inline void vi_store_i16(int16_t *p, vf a, vf b)
{
    const vi order = _mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0);
    const vi packed = _mm512_packs_epi32(_mm512_cvtps_epi32(a), _mm512_cvtps_epi32(b));
    vi_store(p, _mm512_permutexvar_epi64(order, packed));
}

/* VF floats, likewise. */
static inline void vi_store_i16_half(int16_t *p, vf a)
{
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(a)));
}

/* 64 floats to whole numbers of 16 bits, saturated: their upper and their lower bytes. In every 16
 * bytes stand four of each vector: one after the other, that is what packing does. */
static inline void vi_store_bytes(uint8_t *upper, uint8_t *lower, const vf v[4])
{
    const vi x = _mm512_packs_epi32(_mm512_cvtps_epi32(v[0]), _mm512_cvtps_epi32(v[1]));
    const vi y = _mm512_packs_epi32(_mm512_cvtps_epi32(v[2]), _mm512_cvtps_epi32(v[3]));
    const vi byte = _mm512_set1_epi16(0xff);
    vi_store(upper, _mm512_packs_epi16(_mm512_srai_epi16(x, 8), _mm512_srai_epi16(y, 8)));
    vi_store(lower, _mm512_packus_epi16(_mm512_and_si512(x, byte), _mm512_and_si512(y, byte)));
}

/* The pair of int16 at `p` in every 32 bits. */
static inline vi vi_broadcast_pair(const int16_t *p)
{
    int32_t pair;
    memcpy(&pair, p, sizeof(pair));
    return _mm512_set1_epi32(pair);
}

/* sum + a[0] * b[0] + a[1] * b[1] in every 32 bits. An asm for the reason given in
 * conv_winograd_i16_avx512vnni.c. */
static inline vi vi_dot_madd(vi sum, vi a, vi b)
{
    a = _mm512_madd_epi16(a, b);
    __asm__("vpaddd %1, %0, %0" : "+v"(sum) : "v"(a));
    return sum;
}

#endif
