/* SPDX-License-Identifier: Apache-2.0 */
/* result_row.c -- a row of the result, against its definition: the same bits. */
#include <string.h>

#include "base/half.h"
#include "tests/checkasm/checkasm.h"

static void check_row(fov_result_row_fn *fn, size_t n_px, int side, enum fov_element e, bool base)
{
    const size_t n_ch = side == 4 ? 48 : side == 3 ? 32 : 16, n = n_px * 3 * (size_t)side;
    const size_t n_src = (n_px + FOV_ROW_SLACK_PX) * n_ch;
    struct fov_result_row r = {
        .element = e, .n_px = n_px, .n_ch = n_ch, .side = side, .mean = {0.5f, 0.25f, -0.125f}};
    float *const src = guarded(n_src), *const want = guarded(n + FOV_RESULT_SLACK);
    uint16_t *const half = guarded_bytes(n_src * sizeof(*half));
    float *const pixels = guarded(n_px * FOV_INPUT_CHANNELS);

    fill_random(src, n_src);
    fill_random(pixels, n_px * FOV_INPUT_CHANNELS);
    for (size_t i = 0; i < n_src; i++)
        half[i] = fov_to_half(src[i]);
    r.src = e == FOV_ELEMENT_F16 ? (const void *)half : src;
    r.base = base ? pixels : NULL;
    for (int dy = 0; dy < side; dy++) {
        r.first = (size_t)(dy * side * 3);
        r.dst = want;
        fov_result_row_c(&r);
        r.dst = guarded(n + FOV_RESULT_SLACK);
        fn(&r);
        if (memcmp(r.dst, want, n * sizeof(*want)))
            fail("%zu px, side %d, row %d, element %d, base %d", n_px, side, dy, (int)e, base);
    }
    guarded_free(0);
}

KERNEL_TEST(result_row)
{
    if (!check_func((any_fn *)k->result_row, "result_row"))
        return;
    for (size_t n_px = 1; n_px <= 9; n_px++)
        for (int side = 1; side <= 4; side++)
            for (int variant = 0; variant < 4; variant++)
                check_row(k->result_row, n_px, side,
                          variant & 1 ? FOV_ELEMENT_F16 : FOV_ELEMENT_F32, variant & 2);
}
