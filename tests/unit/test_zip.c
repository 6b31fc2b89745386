/* SPDX-License-Identifier: Apache-2.0 */
/* test_zip.c -- zip files of stored entries, and every way of not being that. */
#include "tests/unit/cmocka_all.h"

#include "net/zip.h"
#include "tests/unit/zip_out.h"

static const unsigned char abc[] = "abc", five[] = "12345";

/* Three entries, the second empty, the last in a folder. */
static struct zip_out *good(void)
{
    struct zip_out *const z = fov_calloc(1, sizeof(*z));
    assert_non_null(z);
    zip_entry(z, "b", abc, 3, 0);
    zip_entry(z, "a", abc, 0, 7);
    zip_entry(z, "folder/c", five, 5, 21);
    zip_end(z);
    return z;
}

static size_t end_record(const struct zip_out *z)
{
    return z->file.n - 22;
}

static size_t first_central(const struct zip_out *z)
{
    return end_record(z) - z->directory.n;
}

static enum fov_code read_zip(const struct zip_out *z, size_t bytes, struct fov_zip *zip,
                              struct fov_err *err)
{
    unsigned char *const copy = exactly(z->file.at, bytes);
    assert_non_null(copy);
    const enum fov_code rc = fov_zip_init(copy, bytes, "m", zip, err);
    fov_free(copy);
    return rc;
}

/* The good file with `width` bytes at `at` changed; frees it. */
static void assert_refused(struct zip_out *z, size_t at, size_t width, uint64_t value,
                           const char *why)
{
    struct fov_zip zip = {0};
    struct fov_err err = {0};
    for (size_t i = 0; i < width; i++)
        z->file.at[at + i] = (unsigned char)(value >> 8 * i);
    assert_int_equal(read_zip(z, z->file.n, &zip, &err), FOV_EMODEL);
    assert_string_equal(err.text, why);
    assert_null(zip.entries);
    fov_free(z);
}

#define DAMAGED(what) "m: a zip file " what ": it is truncated or damaged"

static void entries_are_found(void **state)
{
    struct zip_out *const z = good();
    struct fov_zip zip;
    (void)state;
    assert_true(fov_zip_matches(z->file.at, z->file.n));
    assert_false(fov_zip_matches(z->file.at, 3) || fov_zip_matches(abc, 4));
    assert_int_equal(fov_zip_init(z->file.at, z->file.n, "m", &zip, NULL), FOV_OK);
    assert_int_equal(zip.n, 3);
    assert_memory_equal(fov_zip_find(&zip, "b", 1)->data, abc, 3);
    assert_int_equal(fov_zip_find(&zip, "b", 1)->bytes, 3);
    assert_int_equal(fov_zip_find(&zip, "a", 1)->bytes, 0);
    assert_memory_equal(fov_zip_find(&zip, "folder/c", 8)->data, five, 5);
    assert_null(fov_zip_find(&zip, "folder/", 7));
    assert_null(fov_zip_find(&zip, "folder/cc", 9));
    fov_zip_done(&zip);
    fov_zip_done(&zip);

    struct zip_out *const none = fov_calloc(1, sizeof(*none));
    assert_non_null(none);
    zip_end(none);
    assert_int_equal(fov_zip_init(none->file.at, none->file.n, "m", &zip, NULL), FOV_OK);
    assert_null(fov_zip_find(&zip, "b", 1));
    fov_zip_done(&zip);
    fov_free(none);
    fov_free(z);
}

static void entries_are_as_they_are(void **state)
{
    struct zip_out *z = good();
    (void)state;
    assert_refused(z, first_central(z) + CENTRAL_METHOD, 2, 8,
                   "m: a zip file whose entry b is compressed; torch.save() stores entries as they "
                   "are");
    z = good();
    assert_refused(z, first_central(z) + CENTRAL_FLAGS, 1, 1,
                   "m: a zip file whose entry b is encrypted; torch.save() stores entries as they "
                   "are");
    z = good();
    assert_refused(z, first_central(z) + CENTRAL_PACKED, 4, 2,
                   DAMAGED("with an entry of two sizes"));
}

static void entries_lie_in_the_file(void **state)
{
    struct zip_out *z = good();
    const size_t directory = first_central(z);
    (void)state;
    assert_refused(z, directory + CENTRAL_OFFSET, 4, directory,
                   DAMAGED("with an entry that is not in it"));
    z = good();
    assert_refused(z, directory + CENTRAL_OFFSET, 4, 0xfffffffe,
                   DAMAGED("with an entry that is not in it"));
    z = good();
    assert_refused(z, directory + CENTRAL_OFFSET, 4, 1,
                   DAMAGED("whose directory and entries do not agree"));
    z = good();
    assert_refused(z, directory + CENTRAL_NAME, 1, 'x',
                   DAMAGED("whose directory and entries do not agree"));
    z = good();
    assert_refused(z, LOCAL_NAME_BYTES, 2, 2, DAMAGED("whose directory and entries do not agree"));
    z = good();
    assert_refused(z, LOCAL_EXTRA_BYTES, 2, 0xffff,
                   DAMAGED("with an entry that is longer than the room for it"));
    z = good(); /* up to the directory, over the others */
    const uint64_t all = directory - 31;
    assert_refused(z, directory + CENTRAL_PACKED, 8, all | all << 32,
                   DAMAGED("whose entries overlap"));
    z = good();
    assert_refused(z, directory + CENTRAL_PACKED, 8, (all + 1) | (all + 1) << 32,
                   DAMAGED("with an entry that is longer than the room for it"));
    z = good(); /* the last entry, which has padding, by one byte */
    assert_refused(z, first_central(z) + 2 * (CENTRAL_NAME + 1) + CENTRAL_PACKED, 8,
                   6 | UINT64_C(6) << 32,
                   DAMAGED("with an entry that is longer than the room for it"));
    z = good(); /* one byte over the next */
    assert_refused(z, LOCAL_EXTRA_BYTES, 2, 1, DAMAGED("whose entries overlap"));
}

static void names_are_their_own(void **state)
{
    struct zip_out *const z = fov_calloc(1, sizeof(*z));
    (void)state;
    assert_non_null(z);
    zip_entry(z, "same", abc, 3, 0);
    zip_entry(z, "other", abc, 3, 0);
    zip_entry(z, "same", abc, 3, 0);
    zip_end(z);
    assert_refused(z, 0, 0, 0, "m: a zip file with two entries same");
}

static void directories_lie_in_the_file(void **state)
{
    struct zip_out *z = good();
    const size_t end = end_record(z), directory = first_central(z), bytes = end - directory;
    static const char not_in_it[] = DAMAGED("whose directory is not in it");
    static const char short_one[] = DAMAGED("whose directory is shorter than it says");
    (void)state;
    assert_refused(z, end, 1, 'Q', DAMAGED("that does not end with its directory"));
    z = good();
    assert_refused(z, end + END_COMMENT, 2, 1, DAMAGED("that does not end with its directory"));
    z = good();
    assert_refused(z, end + END_DISK, 2, 1, not_in_it);
    z = good();
    assert_refused(z, end + END_OFFSET, 4, directory + 1, not_in_it);
    z = good();
    assert_refused(z, end + END_OFFSET, 4, 0xfffffffe, not_in_it);
    z = good();
    assert_refused(z, end + END_BYTES_AT, 4, bytes + 1, not_in_it);
    z = good();
    assert_refused(z, end + END_BYTES_AT, 4, bytes - 1, short_one);
    z = good();
    assert_refused(z, directory, 1, 'Q', short_one);
    z = good();
    assert_refused(z, directory + CENTRAL_NAME_BYTES, 2, 0xffff, short_one);
    z = good();
    assert_refused(z, end + END_ENTRIES - 2, 4, 4 | 4 << 16, short_one);
    z = good();
    assert_refused(z, end + END_ENTRIES - 2, 4, 40000u | 40000u << 16,
                   "m: a zip file of 40000 entries; the limit is 32768");
}

static void huge_files_are_refused(void **state)
{
    struct zip_out *z = good();
    const size_t end = end_record(z), directory = first_central(z);
    static const char huge[] = "m: a zip64 file of more than 4 GiB, which no network here has";
    static const char huge_entry[] =
        "m: a zip64 file with an entry over 4 GiB, which no network here has";
    (void)state;
    assert_refused(z, end + END_ENTRIES - 2, 4, 0xffffffff, huge);
    z = good();
    assert_refused(z, end + END_BYTES_AT, 4, 0xffffffff, huge);
    z = good();
    assert_refused(z, end + END_OFFSET, 4, 0xffffffff, huge);
    z = good();
    assert_refused(z, directory + CENTRAL_PACKED, 8, UINT64_MAX, huge_entry);
    z = good();
    assert_refused(z, directory + CENTRAL_BYTES_AT, 4, 0xffffffff, huge_entry);
    z = good();
    assert_refused(z, directory + CENTRAL_OFFSET, 4, 0xffffffff, huge_entry);
}

static void truncations_are_found(void **state)
{
    struct zip_out *const z = good();
    struct fov_zip zip = {0};
    (void)state;
    for (size_t cut = 0; cut < z->file.n; cut++) {
        struct fov_err err = {0};
        assert_int_equal(read_zip(z, cut, &zip, &err), FOV_EMODEL);
        assert_string_equal(err.text, DAMAGED("that does not end with its directory"));
        assert_null(zip.entries);
    }
    fov_free(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_found),           cmocka_unit_test(entries_are_as_they_are),
        cmocka_unit_test(entries_lie_in_the_file),     cmocka_unit_test(names_are_their_own),
        cmocka_unit_test(directories_lie_in_the_file), cmocka_unit_test(huge_files_are_refused),
        cmocka_unit_test(truncations_are_found),
    };
    return cmocka_run_group_tests_name("zip", tests, NULL, NULL);
}
