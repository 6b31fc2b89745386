/* SPDX-License-Identifier: Apache-2.0 */
/* vec_avx2.h -- eight floats: AVX2, FMA, F16C. */
#ifndef FOV_NET_KERNELS_X86_VEC_AVX2_H
#define FOV_NET_KERNELS_X86_VEC_AVX2_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

typedef __m256 vf;
typedef __m256i vi;
enum { VF = 8 };

#define vf_load(p)      _mm256_loadu_ps(p)
#define vf_store(p, v)  _mm256_storeu_ps(p, v)
#define vf_load_half(p) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p)))
#define vf_store_half(p, v)                                                                        \
    _mm_storeu_si128((__m128i *)(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT))
#define vf_set1(x)         _mm256_set1_ps(x)
#define vf_add(a, b)       _mm256_add_ps(a, b)
#define vf_sub(a, b)       _mm256_sub_ps(a, b)
#define vf_mul(a, b)       _mm256_mul_ps(a, b)
#define vf_div(a, b)       _mm256_div_ps(a, b)
#define vf_min(a, b)       _mm256_min_ps(a, b)
#define vf_max(a, b)       _mm256_max_ps(a, b)
#define vf_fma(a, b, c)    _mm256_fmadd_ps(a, b, c)
#define vf_fnma(a, b, c)   _mm256_fnmadd_ps(a, b, c)
#define vf_fms(a, b, c)    _mm256_fmsub_ps(a, b, c)
#define vf_round(v)        _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define vf_max_abs(a, b)   _mm256_max_ps(a, _mm256_andnot_ps(_mm256_set1_ps(-0.0f), b))
#define vf_from_int(v)     _mm256_cvtepi32_ps(v)
#define vf_prelu(v, slope) _mm256_blendv_ps(v, _mm256_mul_ps(v, slope), v)
/* 2^n for whole n in -126..127. */
#define vf_pow2(n)                                                                                 \
    _mm256_castsi256_ps(                                                                           \
        _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23))

#define vi_load(p)     _mm256_loadu_si256((const __m256i *)(p))
#define vi_store(p, v) _mm256_storeu_si256((__m256i *)(p), v)
#define vi_zero()      _mm256_setzero_si256()

static inline float vf_peak(vf v)
{
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

/* Values i, i + 1 ... of p[0], p[1], p[2], p[0], p[1] ...; four floats are read. */
static inline vf vf_repeat3(const float *p, int i)
{
    const vf four = _mm256_castps128_ps256(_mm_loadu_ps(p));
    const vi at = i == 0 ? _mm256_setr_epi32(0, 1, 2, 0, 1, 2, 0, 1)
                         : _mm256_setr_epi32(2, 0, 1, 2, 0, 1, 2, 0);
    return _mm256_permutevar8x32_ps(four, at);
}

/* 2 * VF floats to whole numbers of 16 bits, saturated, in order. */
static inline void vi_store_i16(int16_t *p, vf a, vf b)
{
    const vi packed = _mm256_packs_epi32(_mm256_cvtps_epi32(a), _mm256_cvtps_epi32(b));
    vi_store(p, _mm256_permute4x64_epi64(packed, 0xd8));
}

/* The pair of int16 at `p` in every 32 bits. */
static inline vi vi_broadcast_pair(const int16_t *p)
{
    int32_t pair;
    memcpy(&pair, p, sizeof(pair));
    return _mm256_set1_epi32(pair);
}

/* sum + a[0] * b[0] + a[1] * b[1] in every 32 bits. An asm for the reason given in
 * conv_winograd_i16_avx512vnni.c: 1.5 times as fast. */
static inline vi vi_dot_madd(vi sum, vi a, vi b)
{
    a = _mm256_madd_epi16(a, b);
    __asm__("vpaddd %1, %0, %0" : "+x"(sum) : "x"(a));
    return sum;
}

#endif
