/* SPDX-License-Identifier: Apache-2.0 */
/* order.c -- a request on its way: its file fetched, its picture made.
 *
 * Threads: those of the stages. Owns: orders that are in a queue. Trust: files are strangers'; they
 * are passed on and not looked into.
 */
#define _GNU_SOURCE
#include "server/order.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/mem.h"
#include "base/outfile.h"
#include "server/fetch.h"

enum { N_FETCHERS = 8, MAX_THREADS = 256 + N_FETCHERS, MEGA = 1000000, MIB = 1 << 20 };

struct fov_stages {
    struct fov_workers *workers;
    struct fov_metrics *metrics;
    fov_get_settings_fn *get_settings;
    void *user;
    struct fov_queue *fetch, *work;
    atomic_int is_shut, is_closing; /* nothing more comes in; nothing more is worked on */
    int n_threads;
    pthread_t threads[MAX_THREADS];
};

struct fov_order *fov_order_new(struct fov_request *request, unsigned char *bytes, int64_t key_id)
{
    struct fov_order *const o = fov_calloc(1, sizeof(*o));
    if (!o)
        return NULL;
    o->queued.key_id = key_id;
    o->request = request;
    o->bytes = bytes;
    o->gone_fd = -1;
    o->result.fd = -1;
    return o;
}

void fov_order_free(struct fov_order *order)
{
    if (!order)
        return;
    if (order->result.fd >= 0)
        (void)close(order->result.fd);
    fov_request_free(order->request);
    fov_free(order->bytes);
    fov_free(order);
}

/* ---- a stage ----------------------------------------------------------------------------- */

static void finish(struct fov_stages *s, struct fov_order *o)
{
    if (!o->err.code)
        fov_metrics_pixels(s->metrics, (int64_t)o->result.in_width_px * o->result.in_height_px,
                           (int64_t)o->result.width_px * o->result.height_px);
    o->finished(o);
}

static bool has_left(const struct fov_order *o)
{
    struct pollfd far = {.fd = o->gone_fd, .events = POLLRDHUP};
    return o->cancelled || (o->gone_fd >= 0 && poll(&far, 1, 0) > 0);
}

/* Why an order that has waited need not be worked on, or false. */
static bool is_over(const struct fov_settings *settings, struct fov_order *o)
{
    if (has_left(o))
        (void)fov_fail(&o->err, FOV_ECANCEL, "stopped before it was begun");
    else if (!o->queued.is_patient && fov_clock_s() - o->put_s > settings->queue_s)
        (void)fov_fail(&o->err, FOV_ENOMEM, "all workers were busy for %d s", settings->queue_s);
    return o->err.code != FOV_OK;
}

static int stopped(void *user)
{
    const struct fov_order *const o = user;
    return o->stages->is_closing || has_left(o);
}

static void fetch(const struct fov_settings *settings, struct fov_order *o)
{
    const struct fov_request *const r = o->request;
    struct fov_fetch_options options = {
        .what = "file.url",
        .timeout_ms = r->fetch.timeout_ms ? r->fetch.timeout_ms : settings->fetch_s * 1000,
        .max_bytes = (int64_t)settings->max_file_mb * MIB,
        .user_agent = r->fetch.user_agent,
        .user = r->fetch.user,
        .password = r->fetch.password,
        .allow = settings->allow[0] ? settings->allow : NULL,
        .stopped = stopped,
        .user_data = o};
    for (int i = 0; i < FOV_FETCH_MAX_HEADERS; i++)
        options.headers[i] = r->fetch.headers[i];
    unsigned char *bytes;
    size_t n;
    if (fov_fetch(r->url, &options, &bytes, &n, &o->err))
        return;
    fov_free(o->bytes);
    o->bytes = bytes;
    o->request->file = bytes;
    o->request->file_bytes = n;
}

/* The file as memory without a name; the order's own bytes go. */
static int hand_over(struct fov_order *o)
{
    const int fd = memfd_create("file", MFD_CLOEXEC);
    if (fd < 0 || !fov_write_all(fd, o->request->file, o->request->file_bytes) ||
        lseek(fd, 0, SEEK_SET)) {
        (void)fov_fail(&o->err, FOV_ENOMEM, "no memory for the file: %s", strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    fov_free(FOV_STEAL(o->bytes));
    o->request->file = NULL;
    return fd;
}

static void work(struct fov_stages *s, const struct fov_settings *settings, struct fov_order *o)
{
    const int in = hand_over(o);
    if (in < 0)
        return;
    const struct fov_task task = {
        .in_fd = in,
        .name = o->request->name ? o->request->name : "file",
        .operations = o->request->operations,
        .dry_run = o->request->dry_run,
        .limits = {.max_pixels = (int64_t)settings->max_pixels * MEGA,
                   .max_result_pixels = (int64_t)settings->max_result_pixels * MEGA,
                   .max_result_bytes = (int64_t)settings->max_result_mb * MIB,
                   .memory_bytes = (int64_t)settings->memory_mb * MIB,
                   .cpu_s = settings->cpu_s,
                   .deadline_s = settings->work_s},
        .gone_fd = o->gone_fd,
        .stopped = stopped,
        .user = o};
    if (fov_workers_run(s->workers, &task, &o->result, &o->err))
        o->result.fd = -1;
    (void)close(in);
}

/* A file has come: on to a worker, unless somebody else does it when we are gone. A stop lets those
 * on whose clients wait, which is why it leaves the second queue open. */
static bool pass_on(struct fov_stages *s, const struct fov_settings *settings, struct fov_order *o)
{
    const bool leaves = s->is_shut && o->queued.is_patient;
    if (!leaves && fov_queue_put(s->work, &o->queued, settings->queue))
        return true;
    if (leaves || s->is_closing)
        (void)fov_fail(&o->err, FOV_ECANCEL, "the service is stopping");
    else
        (void)fov_fail(&o->err, FOV_ENOMEM, "all workers are busy");
    return false;
}

static void *fetching(void *user)
{
    struct fov_stages *const s = user;
    struct fov_settings settings;
    for (struct fov_queued *q; (q = fov_queue_take(s->fetch));) {
        struct fov_order *const o = (struct fov_order *)q;
        s->get_settings(s->user, &settings);
        const double start = fov_clock_s();
        o->waited_s = start - o->put_s;
        if (!is_over(&settings, o))
            fetch(&settings, o);
        o->fetched_s = fov_clock_s() - start;
        fov_metrics_stage(s->metrics, FOV_STAGE_FETCH, o->fetched_s);
        fov_queue_done(s->fetch, q);
        if (o->err.code || !pass_on(s, &settings, o))
            finish(s, o);
    }
    return NULL;
}

static void *working(void *user)
{
    struct fov_stages *const s = user;
    struct fov_settings settings;
    for (struct fov_queued *q; (q = fov_queue_take(s->work));) {
        struct fov_order *const o = (struct fov_order *)q;
        s->get_settings(s->user, &settings);
        const double start = fov_clock_s();
        o->waited_s = start - o->put_s - o->fetched_s;
        fov_metrics_stage(s->metrics, FOV_STAGE_QUEUE, o->waited_s);
        if (!is_over(&settings, o))
            work(s, &settings, o);
        o->worked_s = fov_clock_s() - start;
        fov_metrics_stage(s->metrics, FOV_STAGE_WORK, o->worked_s);
        const struct fov_queued key = *q; /* the order is gone when it has finished */
        finish(s, o);
        fov_queue_done(s->work, &key);
    }
    return NULL;
}

/* ---- all of them ------------------------------------------------------------------------- */

static bool start(struct fov_stages *s, void *(*thread)(void *), int n)
{
    for (int i = 0; i < n; i++) {
        if (s->n_threads == MAX_THREADS ||
            pthread_create(&s->threads[s->n_threads], NULL, thread, s))
            return i > 0;
        s->n_threads++;
    }
    return true;
}

enum fov_code fov_stages_open(struct fov_workers *workers, struct fov_metrics *metrics,
                              fov_get_settings_fn *get_settings, void *user,
                              struct fov_stages **ret_stages, struct fov_err *err)
{
    struct fov_settings settings;
    struct fov_stages *const s = fov_calloc(1, sizeof(*s));
    enum fov_code rc = FOV_OK;
    if (!s)
        return fov_fail(err, FOV_ENOMEM, "no memory for the service");
    s->workers = workers;
    s->metrics = metrics;
    s->get_settings = get_settings;
    s->user = user;
    get_settings(user, &settings);
    if (!(rc = fov_queue_open(&s->fetch, err)) && !(rc = fov_queue_open(&s->work, err)) &&
        (!start(s, working, settings.workers ? settings.workers : fov_cpu_count()) ||
         !start(s, fetching, N_FETCHERS)))
        rc = fov_fail(err, FOV_ENOMEM, "the system starts no more threads");
    if (rc) {
        fov_stages_close(s);
        return rc;
    }
    *ret_stages = s;
    return FOV_OK;
}

bool fov_stages_put(struct fov_stages *s, struct fov_order *order)
{
    struct fov_settings settings;
    s->get_settings(s->user, &settings);
    order->put_s = fov_clock_s();
    order->stages = s;
    return !s->is_shut &&
           fov_queue_put(order->request->url ? s->fetch : s->work, &order->queued, settings.queue);
}

/* Tells whether an order that waits is over; its failure is written by then. */
static bool is_over_now(void *user, struct fov_queued *q)
{
    return is_over(user, (struct fov_order *)q);
}

static void finish_all(struct fov_stages *s, struct fov_queued *list)
{
    while (list) {
        struct fov_order *const o = (struct fov_order *)list;
        list = list->next;
        (void)fov_fail(&o->err, FOV_ECANCEL, "the service is stopping");
        finish(s, o);
    }
}

void fov_stages_sweep(struct fov_stages *s)
{
    struct fov_settings settings;
    s->get_settings(s->user, &settings);
    finish_all(s, fov_queue_sweep(s->fetch, is_over_now, &settings));
    finish_all(s, fov_queue_sweep(s->work, is_over_now, &settings));
}

static bool is_patient(void *user, struct fov_queued *q)
{
    (void)user;
    return q->is_patient;
}

void fov_stages_shut(struct fov_stages *s)
{
    s->is_shut = 1;
    finish_all(s, fov_queue_shut(s->fetch, true));
    finish_all(s, fov_queue_sweep(s->work, is_patient, NULL));
}

void fov_stages_get_counts(struct fov_stages *s, struct fov_stage_counts *ret)
{
    fov_queue_get_counts(s->fetch, &ret->fetch);
    fov_queue_get_counts(s->work, &ret->work);
}

void fov_stages_end(struct fov_stages *s)
{
    if (!s)
        return;
    s->is_shut = s->is_closing = 1;
    if (s->fetch)
        finish_all(s, fov_queue_shut(s->fetch, true));
    if (s->work)
        finish_all(s, fov_queue_shut(s->work, true));
    for (; s->n_threads > 0; s->n_threads--)
        pthread_join(s->threads[s->n_threads - 1], NULL);
}

void fov_stages_close(struct fov_stages *stages)
{
    if (!stages)
        return;
    fov_stages_end(stages);
    fov_queue_close(stages->fetch);
    fov_queue_close(stages->work);
    fov_free(stages);
}
