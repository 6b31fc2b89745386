/* SPDX-License-Identifier: Apache-2.0 */
/* test_settings.c -- a configuration and the environment as settings; each error with its line;
 * what a reload takes over.
 *
 * All of it stands in settings.def, so each INT is tried at both its ends and beyond them.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit/cmocka_all.h"

#include "base/mem.h"
#include "server/settings.h"

static char path[] = "/tmp/fovea-settings-XXXXXX";
static struct fov_settings got;
static struct fov_err why;

static enum fov_code read_text(const char *text)
{
    FILE *const file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0 && !fclose(file));
    why = (struct fov_err){0};
    return fov_settings_read(path, &got, &why);
}

static void must_fail(const char *text, const char *sentence)
{
    char wanted[1200];
    got.rate = 77;
    assert_int_equal(read_text(text), FOV_ECONFIG);
    (void)snprintf(wanted, sizeof(wanted), "%s: %s", path, sentence);
    assert_string_equal(why.text, wanted);
    assert_int_equal(got.rate, 77); /* set on success only */
}

static void without_a_file(void **state)
{
    (void)state;
    assert_int_equal(fov_settings_read(NULL, &got, NULL), FOV_OK);
    assert_string_equal(got.listen, "127.0.0.1:8080");
    assert_string_equal(got.metrics, "");
    assert_int_equal(got.rate, 100);
    assert_int_equal(got.hold_s, 3600);
}

static void a_file(void **state)
{
    (void)state;
    assert_int_equal(read_text("; a remark\n[photo]\nrate = x\n[serve]\nrate = 7\nlisten=[::]:1\n"
                               "metrics = 127.0.0.1:9 ; another\n\n[other]\nrate = 8\n"),
                     FOV_OK);
    assert_int_equal(got.rate, 7);
    assert_string_equal(got.listen, "[::]:1");
    assert_string_equal(got.metrics, "127.0.0.1:9");
    assert_int_equal(got.queue, 64);
    assert_int_equal(read_text(""), FOV_OK);
    assert_int_equal(got.rate, 100);
    assert_int_equal(read_text("[serve]\nrate = 5\nrate = 6\n"), FOV_OK); /* the last counts */
    assert_int_equal(got.rate, 6);
}

static void errors_with_their_line(void **state)
{
    char text[600], sentence[600];
    (void)state;
    must_fail("[serve]\nrate = many\n",
              "rate is many; it is a whole number from 0 to 1000000 (line 2)");
    must_fail("\n\n[serve]\nrate = -1\n",
              "rate is -1; it is a whole number from 0 to 1000000 (line 4)");
    must_fail("[serve]\nrate = 1.5\n",
              "rate is 1.5; it is a whole number from 0 to 1000000 (line 2)");
    must_fail("[serve]\nrate =\n", "rate is ; it is a whole number from 0 to 1000000 (line 2)");
    must_fail("[serve]\nrat = 1\n", "[serve] has no setting 'rat'; did you mean rate? (line 2)");
    must_fail("[serve]\nzzzzzzzzzzz = 1\n", "[serve] has no setting 'zzzzzzzzzzz' (line 2)");
    must_fail("[serve\nrate = 1\n", "neither [section] nor key = value (line 1)");
    must_fail("[serve]\nrate = 1\nnothing\n", "neither [section] nor key = value (line 3)");
    /* of several, the first with its own words */
    must_fail("[serve]\nrate = a\nqueue = b\n",
              "rate is a; it is a whole number from 0 to 1000000 (line 2)");
    must_fail("[serve]\nnothing\nrate = a\n", "neither [section] nor key = value (line 2)");
    must_fail("[serve]\nrate = a\nnothing\n",
              "rate is a; it is a whole number from 0 to 1000000 (line 2)");
    /* a text that is too long: 256 bytes, where 255 fit (and a line of inih's 200) */
    (void)snprintf(text, sizeof(text), "[serve]\nlisten = %0150d\n", 0);
    assert_int_equal(read_text(text), FOV_OK);
    (void)snprintf(sentence, sizeof(sentence), "%0256d", 0);
    assert_int_equal(setenv("FOVEA_SERVE_LISTEN", sentence, 1), 0);
    assert_int_equal(fov_settings_read(NULL, &got, &why), FOV_ECONFIG);
    assert_int_equal(setenv("FOVEA_SERVE_LISTEN", sentence + 1, 1), 0);
    assert_int_equal(fov_settings_read(NULL, &got, NULL), FOV_OK);
    assert_string_equal(got.listen, sentence + 1);
    assert_int_equal(unsetenv("FOVEA_SERVE_LISTEN"), 0);
}

static void files_that_cannot_be_read(void **state)
{
    (void)state;
    why = (struct fov_err){0};
    assert_int_equal(fov_settings_read("/nowhere/fovea.ini", &got, &why), FOV_ECONFIG);
    assert_string_equal(why.text, "/nowhere/fovea.ini: cannot read it: No such file or directory");
    why = (struct fov_err){0};
    assert_int_equal(fov_settings_read("/tmp", &got, &why), FOV_ECONFIG);
    assert_string_equal(why.text, "/tmp: cannot read it: Is a directory");
}

static void the_environment_goes_over_the_file(void **state)
{
    (void)state;
    assert_int_equal(setenv("FOVEA_SERVE_RATE", "9", 1), 0);
    assert_int_equal(setenv("FOVEA_SERVE_METRICS", "127.0.0.1:7", 1), 0);
    assert_int_equal(setenv("FOVEA_SERVE_NOTHING_OF_OURS", "1", 1), 0);
    assert_int_equal(read_text("[serve]\nrate = 7\nqueue = 8\n"), FOV_OK);
    assert_int_equal(got.rate, 9);
    assert_int_equal(got.queue, 8);
    assert_string_equal(got.metrics, "127.0.0.1:7");
    assert_int_equal(setenv("FOVEA_SERVE_RATE", "9x", 1), 0);
    why = (struct fov_err){0};
    assert_int_equal(fov_settings_read(NULL, &got, &why), FOV_ECONFIG);
    assert_string_equal(why.text,
                        "FOVEA_SERVE_RATE: rate is 9x; it is a whole number from 0 to 1000000");
    assert_int_equal(unsetenv("FOVEA_SERVE_RATE") | unsetenv("FOVEA_SERVE_METRICS"), 0);
}

static enum fov_code with_number(const char *name, long long value)
{
    char text[100];
    (void)snprintf(text, sizeof(text), "[serve]\n%s = %lld\n", name, value);
    return read_text(text);
}

static void every_number_has_its_ends(void **state)
{
    (void)state;
#define INT(name, least, most, fallback, reload, help)                                             \
    assert_int_equal(with_number(#name, least), FOV_OK);                                           \
    assert_int_equal(got.name, least);                                                             \
    assert_int_equal(with_number(#name, most), FOV_OK);                                            \
    assert_int_equal(got.name, most);                                                              \
    assert_int_equal(with_number(#name, (long long)(least)-1), FOV_ECONFIG);                       \
    assert_int_equal(with_number(#name, (long long)(most) + 1), FOV_ECONFIG);                      \
    assert_int_equal(with_number(#name, 1LL << 40), FOV_ECONFIG);                                  \
    assert_true((fallback) >= (least) && (fallback) <= (most));
#define TEXT(name, fallback, reload, help)
#include "server/settings.def"
#undef INT
#undef TEXT
}

static void a_reload_takes_over_what_it_may(void **state)
{
    struct fov_settings now, next, before;
    (void)state;
    memset(&now, 'a', sizeof(now));
    memset(&next, 'b', sizeof(next));
    before = now;
    fov_settings_reload(&now, &next);
#define INT(name, least, most, fallback, reload, help)                                             \
    assert_int_equal(now.name, (reload) ? next.name : before.name);
#define TEXT(name, fallback, reload, help)                                                         \
    assert_memory_equal(now.name, (reload) ? next.name : before.name, FOV_SETTING_CHARS);
#include "server/settings.def"
#undef INT
#undef TEXT
    assert_int_equal(now.rate, next.rate);
    assert_int_equal(now.workers, before.workers);
}

static int begin(void **state)
{
    (void)state;
    const int fd = mkstemp(path);
    return fd < 0 || close(fd);
}

static int end(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_file),
        cmocka_unit_test(a_file),
        cmocka_unit_test(errors_with_their_line),
        cmocka_unit_test(files_that_cannot_be_read),
        cmocka_unit_test(the_environment_goes_over_the_file),
        cmocka_unit_test(every_number_has_its_ends),
        cmocka_unit_test(a_reload_takes_over_what_it_may),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
