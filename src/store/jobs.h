/* SPDX-License-Identifier: Apache-2.0 */
/* jobs.h -- asynchronous requests and the webhooks that tell how they ended.
 *
 * A request that is accepted becomes a *job*, on the disk before it is answered. Workers, of one
 * process or of several, *claim* a job with a lease and renew it while they work; when a machine
 * dies its leases run out and another takes over. A claim is told from an earlier one of the same
 * job by `n_attempts`, so that a worker that was slow cannot end what is no longer its own.
 *
 *     add -> queued -> claim -> running -> finish -> done | failed
 *              ^                   |
 *              +---- put back -----+         queued, running -> cancel -> cancelled
 *
 * Each arrow is one transaction, with what it does to the credit: held by add, captured by done,
 * released by failed and cancelled. Ending writes the webhook, too, which then has a life of its
 * own. Times are Unix time in seconds, of the machine that asks; leases want clocks that agree to a
 * few seconds. Errors of every call: fov_store_open(). Threads: any.
 */
#ifndef FOV_STORE_JOBS_H
#define FOV_STORE_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/store.h"

/* State of a job, its name. Those that follow running are ends. */
#define FOV_JOB_STATES(X)                                                                          \
    X(FOV_JOB_QUEUED, "queued")                                                                    \
    X(FOV_JOB_RUNNING, "running")                                                                  \
    X(FOV_JOB_DONE, "done")                                                                        \
    X(FOV_JOB_FAILED, "failed")                                                                    \
    X(FOV_JOB_CANCELLED, "cancelled")

/* State of a webhook, its name. */
#define FOV_WEBHOOK_STATES(X)                                                                      \
    X(FOV_WEBHOOK_PENDING, "pending")                                                              \
    X(FOV_WEBHOOK_DELIVERED, "delivered")                                                          \
    X(FOV_WEBHOOK_DEAD, "dead")

#define FOV_STATE_ID(id, name) id,
enum fov_job_state { FOV_JOB_STATES(FOV_STATE_ID) FOV_N_JOB_STATES };
enum fov_webhook_state { FOV_WEBHOOK_STATES(FOV_STATE_ID) FOV_N_WEBHOOK_STATES };
#undef FOV_STATE_ID

enum {
    FOV_JOB_ID_CHARS = 26,           /* "job_" and 22 letters and digits, 131 bits by chance */
    FOV_WEBHOOK_ID_CHARS = 26,       /* "msg_" and the same */
    FOV_WEBHOOK_URL_BYTES = 2048,    /* at most */
    FOV_IDEMPOTENCY_KEY_BYTES = 255, /* at most */
    FOV_DIGEST_BYTES = 32,
    FOV_MAX_ATTEMPTS = 3, /* claims of a job whose leases ran out, before it has failed */
    FOV_ANY_KEY = -1,     /* for a key_id: the service itself asks, of whatever project it is */
    FOV_ANY_PROJECT = -1,
};

/* The name of a state, for JSON and for people. */
const char *fov_job_state_name(enum fov_job_state state);
const char *fov_webhook_state_name(enum fov_webhook_state state);

/* ---- what asks for a job ---------------------------------------------------------------- */

struct fov_job {
    char id[FOV_JOB_ID_CHARS + 1];
    int64_t key_id, project_id;
    enum fov_job_state state;
    int n_attempts;                /* times it was claimed, also those that were put back */
    int64_t created_s, finished_s; /* 0: has not ended */
    int status;                    /* of a failure, as HTTP has it; else 0 */
    char error[1024];              /* of a failure: one sentence */
    char mime_type[64];            /* of the result, like its size */
    int width_px, height_px;
    int64_t result_bytes; /* 0: there is no result, or it has been forgotten */
};

struct fov_job_new {
    int64_t key_id;
    const char *request;        /* JSON, given to the worker as it is */
    const unsigned char *input; /* the file, or NULL: the request names a URL */
    size_t input_bytes;
    const char *webhook_url;          /* or NULL */
    const char *idempotency_key;      /* or NULL */
    uint8_t digest[FOV_DIGEST_BYTES]; /* of the whole request: the same one again has the same */
    int max_queued; /* jobs that may be queued or running beside it, of all keys */
};

/* Hold a credit for a new job and queue it. Gives *ret_job. When a job of the key's project had the
 * same idempotency key and digest, gives that one as it is now and *ret_repeated, and holds
 * nothing; fov_store_clean() ends that memory. FOV_ECREDIT as for fov_store_hold(); FOV_ENOMEM:
 * "the queue is full"; FOV_EUSAGE: an idempotency key that is empty, too long or was used for
 * another request, or a URL that is too long. */
FOV_CHECKED enum fov_code fov_store_job_add(struct fov_store *store, const struct fov_job_new *job,
                                            struct fov_job *ret_job, bool *ret_repeated,
                                            struct fov_err *err);

/* The job `id`. FOV_ENOINPUT: "there is no job ID", also when it is of another project than the
 * key. */
FOV_CHECKED enum fov_code fov_store_job_get(struct fov_store *store, int64_t key_id, const char *id,
                                            struct fov_job *ret_job, struct fov_err *err);

/* The result of a job that is done. It belongs to whoever may see the job: ask for that first.
 * Gives *ret_bytes, *ret_n of them; end it with fov_free(). FOV_ENOINPUT when there is none. */
FOV_CHECKED enum fov_code fov_store_job_result(struct fov_store *store, const char *id,
                                               unsigned char **ret_bytes, size_t *ret_n,
                                               struct fov_err *err);

/* End a job that is queued or running; its credit is released, and no webhook tells of it. Gives
 * *ret_job as it is then. FOV_ENOINPUT as for fov_store_job_get(); FOV_EUSAGE, with how it ended,
 * when it has. */
FOV_CHECKED enum fov_code fov_store_job_cancel(struct fov_store *store, int64_t key_id,
                                               const char *id, struct fov_job *ret_job,
                                               struct fov_err *err);

/* How many jobs are queued, and running or left by a worker that died. */
FOV_CHECKED enum fov_code fov_store_job_counts(struct fov_store *store, int64_t *ret_queued,
                                               int64_t *ret_running, struct fov_err *err);

/* ---- who works on it -------------------------------------------------------------------- */

/* Take a job that is queued, or that is running with a lease that has run out: of the key with the
 * fewest running jobs, the oldest. It is the caller's for `lease_s` seconds. Gives *ret_job,
 * *ret_request and *ret_input (NULL when it had none), which end with fov_free(); nothing but
 * *ret_found when there is no job to take. One that was claimed FOV_MAX_ATTEMPTS times, those put
 * back apart, fails instead of being taken: it may be what kills its workers. */
FOV_CHECKED enum fov_code fov_store_job_claim(struct fov_store *store, int lease_s,
                                              struct fov_job *ret_job, char **ret_request,
                                              unsigned char **ret_input, size_t *ret_input_bytes,
                                              bool *ret_found, struct fov_err *err);

/* Let the claim `n_attempts` of a job last `lease_s` seconds from now. *ret_ours is false when it
 * was cancelled or another has taken it: stop. */
FOV_CHECKED enum fov_code fov_store_job_renew(struct fov_store *store, const char *id,
                                              int n_attempts, int lease_s, bool *ret_ours,
                                              struct fov_err *err);

struct fov_job_result {
    const char *error; /* NULL: it is done, and all but `status` counts; else a sentence */
    int status;        /* of the failure, as HTTP has it */
    const unsigned char *bytes;
    size_t n_bytes;
    const char *mime_type;
    int width_px, height_px;
};

/* End a job by the claim `n_attempts`, done or failed: its credit is captured or released, its
 * input goes, its result stays, and its webhook is due. Nothing happens when the claim is no longer
 * the caller's: a job ends once. */
FOV_CHECKED enum fov_code fov_store_job_finish(struct fov_store *store, const char *id,
                                               int n_attempts, const struct fov_job_result *result,
                                               struct fov_err *err);

/* Queue a job again that the claim `n_attempts` will not end, because its server shuts down. It
 * does not count as an attempt that failed. Nothing happens when the claim is not the caller's. */
FOV_CHECKED enum fov_code fov_store_job_put_back(struct fov_store *store, const char *id,
                                                 int n_attempts, struct fov_err *err);

/* Forget the jobs that ended before `before_s`, with results and webhooks. One whose webhook is
 * pending or dead stays until that is delivered, or has been due or dead since before `before_s`
 * too. Several transactions, so that others can work meanwhile. */
FOV_CHECKED enum fov_code fov_store_clean(struct fov_store *store, int64_t before_s,
                                          struct fov_err *err);

/* ---- webhooks --------------------------------------------------------------------------- */

struct fov_webhook {
    char id[FOV_WEBHOOK_ID_CHARS + 1];
    char job_id[FOV_JOB_ID_CHARS + 1];
    char url[FOV_WEBHOOK_URL_BYTES + 1];
    enum fov_webhook_state state;
    int n_attempts;    /* times it was claimed since it is pending */
    int64_t next_at_s; /* when it is due; of one that is delivered or dead, since when */
    char error[1024];  /* of the last attempt that failed, or empty */
};

/* Take the webhook that has been due longest at `now_s`, of those that `may` says yes to, or of all
 * when it is NULL; it is due again after `lease_s` seconds, should its sender die. Gives *ret, or
 * *ret_found false. `may` is asked under the store's lock and may not call it; its last yes is the
 * webhook that was taken, unless this fails. After 256 times no those are put off for 10 s, so that
 * the next claim sees others. */
typedef bool fov_webhook_may_fn(void *user, int64_t project_id, const char *url);
FOV_CHECKED enum fov_code fov_store_webhook_claim(struct fov_store *store, int64_t now_s,
                                                  int lease_s, fov_webhook_may_fn *may, void *user,
                                                  struct fov_webhook *ret, bool *ret_found,
                                                  struct fov_err *err);

/* Say how the attempt went: delivered when `error` is NULL, else to be tried again at `next_at_s`,
 * or dead when that is 0. One that another has delivered stays delivered. */
FOV_CHECKED enum fov_code fov_store_webhook_done(struct fov_store *store, const char *id,
                                                 const char *error, int64_t next_at_s,
                                                 struct fov_err *err);

/* Call `fn` for each webhook in `state` of a project or of FOV_ANY_PROJECT, the one that has been
 * so longest first. `fn` may not call the store. */
typedef void fov_webhook_fn(void *user, const struct fov_webhook *webhook);
FOV_CHECKED enum fov_code fov_store_webhook_each(struct fov_store *store, int64_t project_id,
                                                 enum fov_webhook_state state, fov_webhook_fn *fn,
                                                 void *user, struct fov_err *err);

/* Make a dead webhook pending, due now, with all its attempts before it. FOV_ENOINPUT: "there is no
 * webhook ID", also when it is of another project than the key; FOV_EUSAGE when it is not dead. */
FOV_CHECKED enum fov_code fov_store_webhook_retry(struct fov_store *store, int64_t key_id,
                                                  const char *id, struct fov_err *err);

/* When the next webhook is due, also one that is claimed; INT64_MAX when none is pending. */
FOV_CHECKED enum fov_code fov_store_webhook_next(struct fov_store *store, int64_t *ret_at_s,
                                                 struct fov_err *err);

#endif
