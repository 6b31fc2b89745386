/* SPDX-License-Identifier: Apache-2.0 */
/* test_workers.c -- pictures made by workers: the same as without them, and each for itself.
 *
 * Run with the program `fovea` and a folder of pictures, each behind one byte (the corpus of the
 * fuzzer). The test is its own zygote.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/cmocka_all.h"

#include "base/clock.h"
#include "base/mem.h"
#include "worker/worker.h"

/* Address sanitizers map terabytes and say nothing of memory that ran out. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SHADOW 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SHADOW 1
#endif
#endif
#ifndef HAS_SHADOW
#define HAS_SHADOW 0
#endif

static const char *fovea, *corpus;
static struct fov_workers *workers;

static const struct fov_worker_limits limits = {.max_pixels = 50000000,
                                                .max_result_pixels = 400000000,
                                                .max_result_bytes = 1 << 30,
                                                .memory_bytes = INT64_C(1)
                                                                << (HAS_SHADOW ? 50 : 31),
                                                .cpu_s = 100,
                                                .deadline_s = 100};

static struct fov_task task_of(int in, const char *operations)
{
    return (struct fov_task){
        .in_fd = in, .name = "a.file", .operations = operations, .limits = limits, .gone_fd = -1};
}

/* ---- files ------------------------------------------------------------------------------- */

static int memory_of(const void *data, size_t bytes)
{
    const int fd = memfd_create("in", MFD_CLOEXEC);
    assert_true(fd >= 0 && write(fd, data, bytes) == (ssize_t)bytes);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* All of a file from byte `skip` on, which fov_free() ends. */
static unsigned char *bytes_of(int fd, size_t skip, size_t *ret_n)
{
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    *ret_n = (size_t)st.st_size - skip;
    unsigned char *const data = fov_calloc(*ret_n + 1, 1);
    assert_int_equal(pread(fd, data, *ret_n, (off_t)skip), (ssize_t)*ret_n);
    return data;
}

/* A BMP of black pixels. */
static int black(int width, int height)
{
    const size_t row = ((size_t)width * 3 + 3) / 4 * 4, pixels = row * (size_t)height;
    unsigned char *const data = fov_calloc(54 + pixels, 1);
    const unsigned sizes[] = {(unsigned)(54 + pixels), 0, 54, 40, (unsigned)width,
                              (unsigned)height};
    memcpy(data, "BM", 2);
    memcpy(data + 2, sizes, sizeof(sizes));
    data[26] = 1;
    data[28] = 24;
    const int fd = memory_of(data, 54 + pixels);
    fov_free(data);
    return fd;
}

static int n_descriptors(void)
{
    DIR *const dir = opendir("/proc/self/fd");
    int n = 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

/* ---- the same as without ----------------------------------------------------------------- */

/* What `fovea transform` makes of a file: a descriptor, or -1 when it fails. */
static int transformed(const char *in, const char *operations, const char *suffix)
{
    char out[] = "/tmp/test_workers-XXXXXX", named[64];
    const int made = mkstemp(out);
    assert_true(made >= 0);
    close(made);
    (void)snprintf(named, sizeof(named), "%s.%s", out, suffix);
    char *const argv[] = {(char *)(uintptr_t) "fovea",
                          (char *)(uintptr_t) "transform",
                          (char *)(uintptr_t)in,
                          named,
                          (char *)(uintptr_t) "--ops",
                          (char *)(uintptr_t)operations,
                          NULL};
    posix_spawn_file_actions_t quiet;
    pid_t pid;
    int status;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    assert_int_equal(posix_spawn(&pid, fovea, &quiet, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&quiet);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    const int fd = open(named, O_RDONLY | O_CLOEXEC);
    assert_int_equal(fd >= 0, WIFEXITED(status) && WEXITSTATUS(status) == 0);
    unlink(named);
    unlink(out);
    return fd;
}

static const char to_size[] =
    "{\"type\":\"resize\",\"width_in_px\":30,\"height_in_px\":20,\"fit\":\"fill\"}";

static const char drawing[] =
    "x<svg xmlns='http://www.w3.org/2000/svg' width='90' height='40'>"
    "<text x='2' y='14' font-family='serif' font-style='italic' font-size='12'>Fov\xc3\xa9\xc4\x81"
    "</text><text x='2' y='30' font-family='DejaVu Sans Mono' font-size='12'>9 &#x6f22;</text>"
    "</svg>";

/* The picture in `fd` behind one byte, through `first` and a convert, by a worker and by the
 * program. */
static void compare(const char *name, int fd, const char *first, int number)
{
    static const char *const suffixes[] = {"png", "jpg", "webp", "avif"};
    static const char *const formats[] = {"png", "jpeg", "webp", "avif"};
    char operations[400], in_path[64];
    struct fov_task_result result;
    struct fov_err err = {0};
    size_t n, n_want;
    unsigned char *const data = bytes_of(fd, 1, &n);
    const int in = memory_of(data, n), to = number % 4;
    fov_free(data);
    (void)snprintf(operations, sizeof(operations), "[%s,{\"type\":\"convert\",\"format\":\"%s\"}]",
                   first, formats[to]);
    (void)snprintf(in_path, sizeof(in_path), "/proc/%d/fd/%d", (int)getpid(), in);
    const int want = transformed(in_path, operations, suffixes[to]);
    const struct fov_task task = task_of(in, operations);
    const enum fov_code rc = fov_workers_run(workers, &task, &result, &err);
    if (want < 0 || rc) {
        if (want >= 0 || (rc != FOV_EFORMAT && rc != FOV_ELIMIT) ||
            (strncmp(err.text, "a.file: ", 8) != 0 && strncmp(err.text, "operations[0]", 13) != 0))
            fail_msg("%s: %s, but the program %s", name, err.text, want < 0 ? "failed" : "did it");
    } else {
        unsigned char *const expected = bytes_of(want, 0, &n_want);
        unsigned char *const got = bytes_of(result.fd, 0, &n);
        if (n != n_want || memcmp(got, expected, n))
            fail_msg("%s to %s: a worker's result differs from the program's", name, formats[to]);
        assert_int_equal(result.n_bytes, n);
        assert_int_equal(strncmp(result.mime_type, "image/", 6), 0);
        fov_free(expected);
        fov_free(got);
        close(result.fd);
    }
    if (want >= 0)
        close(want);
    close(in);
}

static void test_formats(void **state)
{
    struct dirent **entries;
    const int n = scandir(corpus, &entries, NULL, alphasort);
    int n_pictures = 0;
    (void)state;
    assert_true(n > 10);
    for (int i = 0; i < n; i++) {
        char path[4096];
        (void)snprintf(path, sizeof(path), "%s/%s", corpus, entries[i]->d_name);
        const int fd = entries[i]->d_name[0] == '.' ? -1 : open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
            compare(entries[i]->d_name, fd, to_size, n_pictures++);
        if (fd >= 0)
            close(fd);
        free(entries[i]);
    }
    free(entries);
    assert_true(n_pictures > 10);
}

/* Fonts are where a worker can open nothing. */
static void test_text(void **state)
{
    (void)state;
    const int fd = memory_of(drawing, sizeof(drawing) - 1);
    compare("a drawing with text", fd, to_size, 0);
    close(fd);
}

/* Every operation, with what lies within libvips that none may know of. */
static void test_operations(void **state)
{
    static const char *const operations[] = {
        "{\"type\":\"smart_crop\",\"width_in_px\":9,\"height_in_px\":9}",
        "{\"type\":\"trim\",\"threshold\":10}",
        "{\"type\":\"resize\",\"width_in_px\":30,\"height_in_px\":10,\"position\":\"smart_crop\"}",
        "{\"type\":\"rotate\",\"angle_in_degrees\":30,\"hex_color\":\"#ff0000\"}",
        "{\"type\":\"blur\",\"sigma\":2}",
        "{\"type\":\"sharpen\",\"sigma\":1}",
        "{\"type\":\"denoise\",\"size\":3}",
        "{\"type\":\"auto_contrast\"}",
        "{\"type\":\"grayscale\"}",
        "{\"type\":\"invert_colors\"}",
        "{\"type\":\"modulate\",\"hue\":30,\"saturation\":1.5}",
        "{\"type\":\"tint\",\"hex_color\":\"#ff8800\"}",
        "{\"type\":\"gamma\",\"gamma\":2}",
        "{\"type\":\"threshold\",\"value\":100,\"is_grayscale\":true}",
        "{\"type\":\"opacity\",\"opacity_in_percent\":50}",
        ("{\"type\":\"extend\",\"top_in_px\":2,\"bottom_in_px\":2,\"left_in_px\":2,"
         "\"right_in_px\":2,\"hex_color\":\"#ff0000\"}"),
        "{\"type\":\"remove_transparency\",\"hex_color\":\"#ff0000\"}",
        "{\"type\":\"remove_background\"}",
        "{\"type\":\"compress_to_size\",\"max_file_size_in_bytes\":900}",
        "{\"type\":\"flip\"},{\"type\":\"flop\"}",
    };
    char path[4096];
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/png", corpus);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    for (size_t i = 0; i < FOV_N_ELEMENTS(operations); i++)
        compare(operations[i], fd, operations[i], (int)i % 3);
    close(fd);
}

/* PNG after an upscale, what came in else, and a file that nothing is asked of as it is. */
static void test_what_comes_out(void **state)
{
    static const struct {
        const char *operations, *mime_type;
        int width, height;
    } cases[] = {
        {"[{\"type\":\"upscale\",\"factor\":2}]", "image/png", 40, 24},
        {"[{\"type\":\"upscale\",\"factor\":3},{\"type\":\"convert\",\"format\":\"webp\"}]",
         "image/webp", 60, 36},
        {"[{\"type\":\"upscale\",\"factor\":\"4\",\"detail\":0.5}]", "image/png", 80, 48},
        {"[{\"type\":\"upscale\",\"factor\":4,\"model\":\"clean\"}]", "image/png", 80, 48},
        {"[{\"type\":\"crop\",\"left_in_px\":0,\"top_in_px\":0,\"width_in_px\":5,"
         "\"height_in_px\":4}]",
         "image/jpeg", 5, 4},
        {"[]", "image/jpeg", 20, 12},
    };
    struct fov_task_result r;
    const int bmp = black(20, 12);
    struct fov_task task = task_of(bmp, "[{\"type\":\"convert\",\"format\":\"jpeg\"}]");
    (void)state;
    assert_int_equal(fov_workers_run(workers, &task, &r, NULL), FOV_OK);
    const int jpeg = r.fd;
    for (size_t i = 0; i < FOV_N_ELEMENTS(cases); i++) {
        struct fov_err err = {0};
        task = task_of(jpeg, cases[i].operations);
        assert_int_equal(lseek(jpeg, 0, SEEK_SET), 0);
        task.dry_run = true;
        if (fov_workers_run(workers, &task, &r, &err))
            fail_msg("%s: %s", cases[i].operations, err.text);
        assert_int_equal(r.width_px, cases[i].width);
        assert_int_equal(r.fd, -1);
        task.dry_run = false;
        assert_int_equal(lseek(jpeg, 0, SEEK_SET), 0);
        if (fov_workers_run(workers, &task, &r, &err))
            fail_msg("%s: %s", cases[i].operations, err.text);
        assert_string_equal(r.mime_type, cases[i].mime_type);
        assert_int_equal(r.width_px, cases[i].width);
        assert_int_equal(r.height_px, cases[i].height);
        if (i == FOV_N_ELEMENTS(cases) - 1) { /* [] */
            size_t n, m;
            unsigned char *const a = bytes_of(jpeg, 0, &n), *const b = bytes_of(r.fd, 0, &m);
            assert_int_equal(n, m);
            assert_memory_equal(a, b, n);
            fov_free(a);
            fov_free(b);
        }
        close(r.fd);
    }
    close(jpeg);
    close(bmp);
}

/* ---- each for itself --------------------------------------------------------------------- */

#define LONG_WORK "[{\"type\":\"upscale\",\"factor\":4},{\"type\":\"upscale\",\"factor\":2}]"

/* The workers that live, children of our child. */
static int find_workers(pid_t *zygote, pid_t *pids, int room)
{
    char path[100];
    int n = 0, pid = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)getpid(), (int)getpid());
    FILE *file = fopen(path, "re");
    if (!file || fscanf(file, "%d", &pid) != 1)
        fail_msg("the zygote cannot be found");
    (void)fclose(file);
    *zygote = pid;
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
    file = fopen(path, "re");
    while (file && n < room && fscanf(file, "%d", &pid) == 1)
        pids[n++] = pid;
    if (file)
        (void)fclose(file);
    return n;
}

/* Signals a worker, or the zygote, as soon as there is one. */
struct killer {
    pthread_t thread;
    int signal;
    bool zygote;
};

static void *killing(void *arg)
{
    const struct killer *const k = arg;
    pid_t zygote, pid;
    while (!find_workers(&zygote, &pid, 1))
        usleep(1000);
    usleep(50000);
    (void)kill(k->zygote ? zygote : pid, k->signal);
    return NULL;
}

static void test_crash(void **state)
{
    static const struct {
        int signal;
        enum fov_code code;
        const char *says;
    } cases[] = {{SIGSEGV, FOV_EFORMAT, "a.file: its work broke off"},
                 {SIGABRT, FOV_EFORMAT, "a.file: its work broke off"},
                 {SIGKILL, FOV_ENOMEM, "a.file: the system ended its work"}};
    const int in = black(1200, 1200), small = black(20, 20);
    struct fov_task_result r;
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(cases); i++) {
        struct fov_err err = {0};
        struct killer k = {.signal = cases[i].signal};
        const struct fov_task task = task_of(in, LONG_WORK);
        assert_int_equal(pthread_create(&k.thread, NULL, killing, &k), 0);
        assert_int_equal(fov_workers_run(workers, &task, &r, &err), cases[i].code);
        assert_int_equal(strncmp(err.text, cases[i].says, strlen(cases[i].says)), 0);
        pthread_join(k.thread, NULL);
        const struct fov_task next = task_of(small, "[{\"type\":\"flip\"}]");
        assert_int_equal(fov_workers_run(workers, &next, &r, NULL), FOV_OK);
        close(r.fd);
    }
    close(in);
    close(small);
}

static void test_zygote_dies(void **state)
{
    struct fov_worker_counts before, after;
    const int in = black(500, 400), small = black(20, 20);
    struct killer k = {.signal = SIGKILL, .zygote = true};
    struct fov_task task = task_of(in, "[{\"type\":\"upscale\",\"factor\":2}]");
    struct fov_task_result r;
    struct fov_err err = {0};
    (void)state;
    fov_workers_get_counts(workers, &before);
    assert_int_equal(pthread_create(&k.thread, NULL, killing, &k), 0);
    if (fov_workers_run(workers, &task, &r, &err)) /* done again by another's worker */
        fail_msg("%s", err.text);
    assert_int_equal(r.width_px, 1000);
    close(r.fd);
    pthread_join(k.thread, NULL);
    task = task_of(small, "[{\"type\":\"flip\"}]");
    err = (struct fov_err){0};
    if (fov_workers_run(workers, &task, &r, &err))
        fail_msg("%s", err.text);
    close(r.fd);
    fov_workers_get_counts(workers, &after);
    assert_int_equal(after.n_zygotes, before.n_zygotes + 1);
    close(in);
    close(small);
}

/* Nothing that was ended goes on. */
static void check_gone(void)
{
    pid_t zygote, pid;
    for (int i = 0; i < 100 && find_workers(&zygote, &pid, 1); i++)
        usleep(10000);
    assert_int_equal(find_workers(&zygote, &pid, 1), 0);
}

static void test_limits(void **state)
{
    const int in = black(1200, 1200);
    struct {
        const char *what;
        struct fov_worker_limits to;
        enum fov_code code;
        const char *says;
    } cases[] = {
        {"time", limits, FOV_ETIME, "a.file: took longer than the 1 s"},
        {"cpu", limits, FOV_ETIME, "a.file: took longer than the 1 s"},
        {"pixels", limits, FOV_ELIMIT,
         "a.file: 1200x1200 is 1440000 pixels, over the limit of 9999"},
        {"result", limits, FOV_ELIMIT, "operations[0] (upscale): a result of 4800x4800 is"},
        {"memory", limits, FOV_EFORMAT, "no memory for the "},
    };
    (void)state;
    cases[0].to.deadline_s = 1;
    cases[1].to.cpu_s = 1;
    cases[2].to.max_pixels = 9999;
    cases[3].to.max_result_pixels = 1000000;
    cases[4].to.memory_bytes = HAS_SHADOW ? limits.memory_bytes : 1 << 20;
    for (size_t i = 0; i < FOV_N_ELEMENTS(cases); i++) {
        struct fov_task task = task_of(in, LONG_WORK);
        struct fov_task_result r;
        struct fov_err err = {0};
        if (HAS_SHADOW && !strcmp(cases[i].what, "memory"))
            continue;
        task.limits = cases[i].to;
        const double start = fov_clock_s();
        const enum fov_code rc = fov_workers_run(workers, &task, &r, &err);
        if (rc != cases[i].code || strncmp(err.text, cases[i].says, strlen(cases[i].says)) != 0)
            fail_msg("%s: %d, %s", cases[i].what, rc, err.text);
        assert_true(fov_clock_s() - start < 60);
        check_gone();
    }
    close(in);
}

/* Wherever memory runs out, in libvips or here, the picture is told so, and no other answer. */
static void test_memory(void **state)
{
    const int in = black(300, 300);
    int n_done = 0, n_refused = 0;
    (void)state;
    if (HAS_SHADOW)
        skip();
    for (int64_t mb = 1; mb < 64; mb += mb < 16 ? 1 : 8) {
        struct fov_task task = task_of(in, "[{\"type\":\"upscale\",\"factor\":2}]");
        struct fov_task_result r = {.fd = -1};
        struct fov_err err = {0};
        task.limits.memory_bytes = mb << 20;
        const enum fov_code rc = fov_workers_run(workers, &task, &r, &err);
        n_done += rc == FOV_OK;
        n_refused += rc == FOV_EFORMAT;
        if (rc && (rc != FOV_EFORMAT || (!strstr(err.text, "; a picture may take") &&
                                         !strstr(err.text, "its work broke off"))))
            fail_msg("%d MiB: %d, %s", (int)mb, rc, err.text);
        if (!rc)
            close(r.fd);
    }
    assert_true(n_done && n_refused);
    close(in);
}

static void test_result_bytes(void **state)
{
    const int in = black(200, 200);
    struct fov_task task = task_of(in, "[{\"type\":\"upscale\",\"factor\":2}]");
    struct fov_task_result r;
    struct fov_err err = {0};
    (void)state;
    task.limits.max_result_bytes = 100;
    assert_int_equal(fov_workers_run(workers, &task, &r, &err), FOV_ELIMIT);
    assert_string_equal(err.text, "a.file: the result is over the limit of 100 bytes");
    close(in);
}

static int after_a_moment(void *user)
{
    return ++*(int *)user > 3;
}

static void test_cancel(void **state)
{
    const int in = black(1200, 1200);
    struct fov_task task = task_of(in, LONG_WORK);
    struct fov_task_result r;
    int asked = 0, ends[2];
    (void)state;
    task.stopped = after_a_moment;
    task.user = &asked;
    assert_int_equal(fov_workers_run(workers, &task, &r, NULL), FOV_ECANCEL);
    check_gone();
    task = task_of(in, LONG_WORK);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    close(ends[1]);
    task.gone_fd = ends[0];
    assert_int_equal(fov_workers_run(workers, &task, &r, NULL), FOV_ECANCEL);
    check_gone();
    close(ends[0]);
    close(in);
}

static void *many(void *arg)
{
    int *const n_good = arg;
    const int in = black(30, 20);
    for (int i = 0; i < 10; i++) {
        struct fov_task task = task_of(in, "[{\"type\":\"upscale\",\"factor\":2}]");
        struct fov_task_result r;
        if (fov_workers_run(workers, &task, &r, NULL))
            continue;
        *n_good += r.width_px == 60 && r.height_px == 40;
        close(r.fd);
    }
    close(in);
    return NULL;
}

static void test_many_at_once(void **state)
{
    pthread_t threads[8];
    int n_good[8] = {0};
    (void)state;
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, many, &n_good[i]), 0);
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(n_good[i], 10);
    }
}

/* ---- what may be asked ------------------------------------------------------------------- */

static void test_check(void **state)
{
    static const struct {
        const char *operations;
        enum fov_code code;
    } cases[] = {
        {"[]", FOV_OK},
        {"[{\"type\":\"upscale\",\"factor\":2,\"model\":\"photo\"}]", FOV_OK},
        {"[{\"type\":\"upscale\",\"factor\":2,\"model\":\"/etc/passwd\"}]", FOV_EUSAGE},
        {"[{\"type\":\"upscale\",\"factor\":2,\"model\":\"../models/photo-x2\"}]", FOV_EUSAGE},
        {"[{\"type\":\"upscale\",\"factor\":2,\"model\":\"photo-x2.safetensors\"}]", FOV_EUSAGE},
        {"[{\"type\":\"upscale\",\"factor\":2,\"model\":\"a.pth\"}]", FOV_EUSAGE},
        {"[{\"type\":\"upscale\",\"factor\":2,\"model\":\"none\"}]", FOV_EUSAGE},
        {"[{\"type\":\"upscale\",\"factor\":5}]", FOV_EUSAGE},
        {"[{\"type\":\"tint\",\"hex_color\":\"red\"}]", FOV_EFORMAT},
        {"{", FOV_EUSAGE},
    };
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(cases); i++) {
        struct fov_err err = {0};
        if (fov_task_check(cases[i].operations, strlen(cases[i].operations), &err) != cases[i].code)
            fail_msg("%s: %s", cases[i].operations, err.text);
    }
}

static void test_descriptors(void **state)
{
    const int in = black(20, 20), before = n_descriptors();
    (void)state;
    for (int i = 0; i < 5; i++) {
        const struct fov_task task =
            task_of(in, i % 2 ? "[{\"type\":\"flip\"}]"
                              : "[{\"type\":\"crop\",\"left_in_px\":30,\"top_in_px\":0,"
                                "\"width_in_px\":9,\"height_in_px\":9}]");
        struct fov_task_result r;
        if (!fov_workers_run(workers, &task, &r, NULL))
            close(r.fd);
    }
    assert_int_equal(n_descriptors(), before);
    close(in);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),      cmocka_unit_test(test_text),
        cmocka_unit_test(test_operations),   cmocka_unit_test(test_what_comes_out),
        cmocka_unit_test(test_crash),        cmocka_unit_test(test_zygote_dies),
        cmocka_unit_test(test_limits),       cmocka_unit_test(test_memory),
        cmocka_unit_test(test_result_bytes), cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_many_at_once), cmocka_unit_test(test_check),
        cmocka_unit_test(test_descriptors),
    };
    const struct fov_worker_options options = {.n_threads = 2};
    struct fov_err err = {0};
    if (argc > 1 && !strcmp(argv[1], FOV_WORKERS_ARG))
        return fov_workers_main(argc, argv);
    if (argc < 3) {
        (void)fprintf(stderr, "usage: test_workers FOVEA CORPUS\n");
        return 2;
    }
    fovea = argv[1];
    corpus = argv[2];
    if (fov_workers_open(&options, &workers, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    const int bad = cmocka_run_group_tests(tests, NULL, NULL);
    fov_workers_close(workers);
    return bad;
}
