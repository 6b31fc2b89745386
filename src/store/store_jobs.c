/* SPDX-License-Identifier: Apache-2.0 */
/* store_jobs.c -- jobs: added, claimed, ended once, forgotten.
 *
 * There is one function that ends a job, end_job(), and it changes the row only while that is open:
 * whoever comes second, a worker that was slow or one who cancels, changes nothing. State, credit,
 * result and webhook are written by the same transaction, so there is no order in which a crash
 * could leave them.
 *
 * A claim reads the index (state, key) of the open jobs alone, however many have ended; files are
 * in a table of their own, so that no scan passes over them.
 *
 * Threads: any. Trust: requests, files, URLs and idempotency keys are a stranger's, and are bound
 * to statements, never part of their text.
 */
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "store/jobs.h"
#include "store/sqlite.h"

/* Jobs in one transaction, which must end within BUSY_MS: Debian's SQLite overwrites what it
 * deletes, and 16 results of 50 MB took 7 s. */
enum { CLEANED_AT_ONCE = 4 };

_Static_assert((int)FOV_DIGEST_BYTES == (int)FOV_HASH_BYTES, "a digest is bound as a hash");

#define STATE_NAME(id, name) name,
static const char *const names[] = {FOV_JOB_STATES(STATE_NAME)};
#undef STATE_NAME

const char *fov_job_state_name(enum fov_job_state state)
{
    return names[state];
}

/* ---- reading ----------------------------------------------------------------------------- */

#define JOB_COLUMNS                                                                                \
    "job.id, name, key, project, state, n_attempts, created_s, finished_s, status, error,"         \
    " mime_type, width_px, height_px, coalesce((SELECT length(data) FROM blob"                     \
    "  WHERE blob.job = job.id AND kind = 'result'), 0) FROM job "

/* The job that a statement with JOB_COLUMNS finds; *ret_row is 0 when it finds none. */
static enum fov_code read_job(struct fov_store *s, sqlite3_stmt *from, struct fov_job *job,
                              int64_t *ret_row, struct fov_err *err)
{
    char state[16];
    bool found = false;
    const enum fov_code rc = fov__db_step(s, from, &found, err);
    *ret_row = 0;
    if (rc || !found)
        return rc;
    *ret_row = sqlite3_column_int64(from, 0);
    *job = (struct fov_job){.key_id = sqlite3_column_int64(from, 2),
                            .project_id = sqlite3_column_int64(from, 3),
                            .n_attempts = sqlite3_column_int(from, 5),
                            .created_s = sqlite3_column_int64(from, 6),
                            .finished_s = sqlite3_column_int64(from, 7),
                            .status = sqlite3_column_int(from, 8),
                            .width_px = sqlite3_column_int(from, 11),
                            .height_px = sqlite3_column_int(from, 12),
                            .result_bytes = sqlite3_column_int64(from, 13)};
    fov__db_text(job->id, sizeof(job->id), from, 1);
    fov__db_text(job->error, sizeof(job->error), from, 9);
    fov__db_text(job->mime_type, sizeof(job->mime_type), from, 10);
    fov__db_text(state, sizeof(state), from, 4);
    for (int i = 0; i < FOV_N_JOB_STATES; i++)
        if (!strcmp(state, names[i]))
            job->state = (enum fov_job_state)i;
    return FOV_OK;
}

/* The job called `id` that the key may see. */
static enum fov_code find_job(struct fov_store *s, int64_t key_id, const char *id,
                              struct fov_job *job, int64_t *ret_row, struct fov_err *err)
{
    FOV_AUTO(fov__db_finalize_at) sqlite3_stmt *statement = NULL;
    enum fov_code rc;
    if ((rc = fov__db_prepare(s, &statement, err,
                              "SELECT " JOB_COLUMNS "WHERE name = ?1 AND (?2 = -1"
                              " OR project = (SELECT project FROM key WHERE id = ?2))",
                              "si", id, key_id)) ||
        (rc = read_job(s, statement, job, ret_row, err)))
        return rc;
    return *ret_row ? FOV_OK : fov_fail(err, FOV_ENOINPUT, "there is no job %.40s", id);
}

static enum fov_code job_at(struct fov_store *s, int64_t row, struct fov_job *job,
                            struct fov_err *err)
{
    FOV_AUTO(fov__db_finalize_at) sqlite3_stmt *statement = NULL;
    int64_t found;
    enum fov_code rc =
        fov__db_prepare(s, &statement, err, "SELECT " JOB_COLUMNS "WHERE job.id = ?", "i", row);
    return rc ? rc : read_job(s, statement, job, &found, err);
}

/* A copy of the bytes that a statement finds, NULL when it finds none. */
static enum fov_code read_bytes(struct fov_store *s, sqlite3_stmt *from, unsigned char **ret_bytes,
                                size_t *ret_n, struct fov_err *err)
{
    bool found = false;
    const enum fov_code rc = fov__db_step(s, from, &found, err);
    *ret_bytes = NULL;
    *ret_n = 0;
    if (rc || !found)
        return rc;
    const void *const bytes = sqlite3_column_blob(from, 0);
    const size_t n = (size_t)sqlite3_column_bytes(from, 0);
    unsigned char *const copy = n && !bytes ? NULL : fov_calloc(n + 1, 1); /* a text has its end */
    if (!copy)
        return fov_fail(err, FOV_ENOMEM, "%s: no memory for a file of %zu bytes", s->name, n);
    if (n)
        memcpy(copy, bytes, n);
    *ret_bytes = copy;
    *ret_n = n;
    return FOV_OK;
}

static enum fov_code bytes_at(struct fov_store *s, const char *sql, int64_t row,
                              unsigned char **ret_bytes, size_t *ret_n, struct fov_err *err)
{
    FOV_AUTO(fov__db_finalize_at) sqlite3_stmt *statement = NULL;
    const enum fov_code rc = fov__db_prepare(s, &statement, err, sql, "i", row);
    return rc ? rc : read_bytes(s, statement, ret_bytes, ret_n, err);
}

enum fov_code fov_store_job_get(struct fov_store *s, int64_t key_id, const char *id,
                                struct fov_job *ret_job, struct fov_err *err)
{
    struct fov_job job;
    int64_t row;
    sqlite3_mutex_enter(s->lock);
    const enum fov_code rc = find_job(s, key_id, id, &job, &row, err);
    sqlite3_mutex_leave(s->lock);
    if (!rc)
        *ret_job = job;
    return rc;
}

static enum fov_code read_result(struct fov_store *s, const char *id, unsigned char **ret_bytes,
                                 size_t *ret_n, struct fov_err *err)
{
    FOV_AUTO(fov__db_finalize_at) sqlite3_stmt *statement = NULL;
    const enum fov_code rc = fov__db_prepare(s, &statement, err,
                                             "SELECT data FROM blob WHERE kind = 'result'"
                                             " AND job = (SELECT id FROM job WHERE name = ?)",
                                             "s", id);
    return rc ? rc : read_bytes(s, statement, ret_bytes, ret_n, err);
}

enum fov_code fov_store_job_result(struct fov_store *s, const char *id, unsigned char **ret_bytes,
                                   size_t *ret_n, struct fov_err *err)
{
    unsigned char *bytes = NULL;
    size_t n = 0;
    sqlite3_mutex_enter(s->lock);
    const enum fov_code rc = read_result(s, id, &bytes, &n, err);
    sqlite3_mutex_leave(s->lock);
    if (rc)
        return rc;
    if (!bytes)
        return fov_fail(err, FOV_ENOINPUT, "there is no result of job %.40s", id);
    *ret_bytes = bytes;
    *ret_n = n;
    return FOV_OK;
}

enum fov_code fov_store_job_counts(struct fov_store *s, int64_t *ret_queued, int64_t *ret_running,
                                   struct fov_err *err)
{
    FOV_AUTO(fov__db_finalize_at) sqlite3_stmt *statement = NULL;
    bool found = false;
    sqlite3_mutex_enter(s->lock);
    enum fov_code rc = fov__db_prepare(s, &statement, err,
                                       "SELECT (SELECT count(*) FROM job WHERE state = 'queued'),"
                                       " (SELECT count(*) FROM job WHERE state = 'running')",
                                       "");
    if (!rc && !(rc = fov__db_step(s, statement, &found, err)) && found) {
        *ret_queued = sqlite3_column_int64(statement, 0);
        *ret_running = sqlite3_column_int64(statement, 1);
    }
    sqlite3_finalize(FOV_STEAL(statement));
    sqlite3_mutex_leave(s->lock);
    return rc;
}

/* ---- adding ------------------------------------------------------------------------------ */

static enum fov_code check_new(const struct fov_job_new *new, struct fov_err *err)
{
    const size_t n = new->idempotency_key ? strlen(new->idempotency_key) : 1;
    if (n < 1 || n > FOV_IDEMPOTENCY_KEY_BYTES)
        return fov_fail(err, FOV_EUSAGE, "an Idempotency-Key has 1 to %d bytes",
                        FOV_IDEMPOTENCY_KEY_BYTES);
    if (new->webhook_url && strlen(new->webhook_url) > FOV_WEBHOOK_URL_BYTES)
        return fov_fail(err, FOV_EUSAGE, "webhook_url: is over the limit of %d bytes",
                        FOV_WEBHOOK_URL_BYTES);
    return FOV_OK;
}

/* The job of an earlier request with the same idempotency key; *ret_row stays 0 without. */
static enum fov_code find_earlier(struct fov_store *s, const struct fov_job_new *new,
                                  int64_t *ret_row, struct fov_err *err)
{
    int64_t same = 0;
    enum fov_code rc;
    if ((rc = fov__db_run(s, ret_row, err,
                          "SELECT id FROM job WHERE idempotency_key = ?"
                          " AND project = (SELECT project FROM key WHERE id = ?)",
                          "si", new->idempotency_key, new->key_id)) ||
        !*ret_row ||
        (rc = fov__db_run(s, &same, err, "SELECT digest = ? FROM job WHERE id = ?", "hi",
                          new->digest, *ret_row)))
        return rc;
    return same ? FOV_OK
                : fov_fail(err, FOV_EUSAGE, "Idempotency-Key was used for another request");
}

static enum fov_code insert_job(struct fov_store *s, const struct fov_job_new *new, const char *id,
                                int64_t *ret_row, struct fov_err *err)
{
    int64_t n_open = 0, hold = 0;
    enum fov_code rc;
    if ((rc = fov__db_run(s, &n_open, err,
                          "SELECT count(*) FROM job WHERE state IN ('queued', 'running')", "")))
        return rc;
    if (n_open >= new->max_queued)
        return fov_fail(err, FOV_ENOMEM, "the queue is full");
    if ((rc = fov__credit_hold(s, new->key_id, &hold, err)) ||
        (rc = fov__db_run(s, ret_row, err,
                          "INSERT INTO job(name, key, project, hold, request, webhook_url,"
                          " idempotency_key, digest, created_s) VALUES(?1, ?2,"
                          " (SELECT project FROM key WHERE id = ?2), ?3, ?4, ?5, ?6, ?7, ?8)"
                          " RETURNING id",
                          "siissshi", id, new->key_id, hold, new->request, new->webhook_url,
                          new->idempotency_key, new->digest, (int64_t)time(NULL))))
        return rc;
    return new->input_bytes ? fov__db_run(s, NULL, err, "INSERT INTO blob VALUES(?, 'input', ?)",
                                          "ib", *ret_row, new->input, new->input_bytes)
                            : FOV_OK;
}

static enum fov_code add(struct fov_store *s, const struct fov_job_new *new, const char *id,
                         struct fov_job *job, bool *ret_repeated, struct fov_err *err)
{
    int64_t row = 0;
    enum fov_code rc = new->idempotency_key ? find_earlier(s, new, &row, err) : FOV_OK;
    *ret_repeated = row != 0;
    if (rc || (!row && (rc = insert_job(s, new, id, &row, err))))
        return rc;
    return job_at(s, row, job, err);
}

enum fov_code fov_store_job_add(struct fov_store *s, const struct fov_job_new *new,
                                struct fov_job *ret_job, bool *ret_repeated, struct fov_err *err)
{
    char id[FOV_JOB_ID_CHARS + 1];
    struct fov_job job;
    bool repeated;
    enum fov_code rc;
    if ((rc = check_new(new, err)) || (rc = fov__invent("job_", FOV_JOB_ID_CHARS, id, err)) ||
        (rc = fov__db_begin(s, err)) ||
        (rc = fov__db_end(s, add(s, new, id, &job, &repeated, err), err)))
        return rc;
    *ret_job = job;
    *ret_repeated = repeated;
    return FOV_OK;
}

/* ---- ending ------------------------------------------------------------------------------ */

static enum fov_code add_webhook(struct fov_store *s, int64_t row, int64_t now_s,
                                 struct fov_err *err)
{
    char id[FOV_WEBHOOK_ID_CHARS + 1];
    const enum fov_code rc = fov__invent("msg_", FOV_WEBHOOK_ID_CHARS, id, err);
    return rc ? rc
              : fov__db_run(s, NULL, err,
                            "INSERT INTO webhook(name, job, url, at_s) SELECT ?, id, webhook_url, ?"
                            " FROM job WHERE id = ? AND webhook_url IS NOT NULL",
                            "sii", id, now_s, row);
}

/* The one way in which a job ends; its file and its request, in which there may be a password, are
 * gone then. `result` is NULL when it is cancelled. */
static enum fov_code end_job(struct fov_store *s, int64_t row, const struct fov_job_result *result,
                             struct fov_err *err)
{
    static const struct fov_job_result nothing = {.error = ""};
    const struct fov_job_result *const r = result ? result : &nothing;
    const int64_t now_s = time(NULL);
    const bool done = !r->error;
    int64_t hold = 0;
    enum fov_code rc;
    if ((rc = fov__db_run(s, &hold, err,
                          "UPDATE job SET state = ?, finished_s = ?, status = ?, error = ?,"
                          " mime_type = ?, width_px = ?, height_px = ?, request = ''"
                          " WHERE id = ? AND state IN ('queued', 'running') RETURNING hold",
                          "siissiii",
                          names[done     ? FOV_JOB_DONE
                                : result ? FOV_JOB_FAILED
                                         : FOV_JOB_CANCELLED],
                          now_s, (int64_t)(done ? 0 : r->status), done ? "" : r->error,
                          done && r->mime_type ? r->mime_type : "",
                          (int64_t)(done ? r->width_px : 0), (int64_t)(done ? r->height_px : 0),
                          row)) ||
        !hold || (rc = fov__credit_settle(s, hold, done, err)) ||
        (rc = fov__db_run(s, NULL, err, "DELETE FROM blob WHERE job = ?", "i", row)) ||
        (done && (rc = fov__db_run(s, NULL, err, "INSERT INTO blob VALUES(?, 'result', ?)", "ib",
                                   row, r->bytes, r->n_bytes))))
        return rc;
    return result ? add_webhook(s, row, now_s, err) : FOV_OK;
}

static enum fov_code finish(struct fov_store *s, const char *id, int n_attempts,
                            const struct fov_job_result *result, struct fov_err *err)
{
    int64_t row = 0;
    const enum fov_code rc = fov__db_run(
        s, &row, err, "SELECT id FROM job WHERE name = ? AND state = 'running' AND n_attempts = ?",
        "si", id, (int64_t)n_attempts);
    return rc || !row ? rc : end_job(s, row, result, err);
}

enum fov_code fov_store_job_finish(struct fov_store *s, const char *id, int n_attempts,
                                   const struct fov_job_result *result, struct fov_err *err)
{
    const enum fov_code rc = fov__db_begin(s, err);
    return rc ? rc : fov__db_end(s, finish(s, id, n_attempts, result, err), err);
}

static enum fov_code cancel(struct fov_store *s, int64_t key_id, const char *id,
                            struct fov_job *job, struct fov_err *err)
{
    int64_t row;
    enum fov_code rc = find_job(s, key_id, id, job, &row, err);
    if (rc)
        return rc;
    if (job->state == FOV_JOB_DONE)
        return fov_fail(err, FOV_EUSAGE, "job %s is done and cannot be cancelled", job->id);
    if (job->state == FOV_JOB_FAILED)
        return fov_fail(err, FOV_EUSAGE, "job %s has failed: %s", job->id, job->error);
    if (job->state == FOV_JOB_CANCELLED)
        return fov_fail(err, FOV_EUSAGE, "job %s was cancelled before", job->id);
    rc = end_job(s, row, NULL, err);
    return rc ? rc : job_at(s, row, job, err);
}

enum fov_code fov_store_job_cancel(struct fov_store *s, int64_t key_id, const char *id,
                                   struct fov_job *ret_job, struct fov_err *err)
{
    struct fov_job job;
    enum fov_code rc = fov__db_begin(s, err);
    if (rc || (rc = fov__db_end(s, cancel(s, key_id, id, &job, err), err)))
        return rc;
    *ret_job = job;
    return FOV_OK;
}

/* ---- working ----------------------------------------------------------------------------- */

/* The first job of each key that may be taken, and of these the one whose key has least at work. */
static const char pick[] =
    "WITH busy AS (SELECT key, count(*) AS n FROM job"
    "  WHERE state = 'running' AND leased_to_s > ?1 GROUP BY key),"
    " first AS ("
    "  SELECT key, min(id) AS id FROM job WHERE state = 'queued' GROUP BY key UNION ALL"
    "  SELECT key, min(id) FROM job WHERE state = 'running' AND leased_to_s <= ?1 GROUP BY key)"
    " SELECT first.id FROM first LEFT JOIN busy ON busy.key = first.key"
    " ORDER BY coalesce(busy.n, 0), first.id LIMIT 1";

/* A job to take, or 0. Those that have had their attempts fail on the way. */
static enum fov_code next_job(struct fov_store *s, int64_t now_s, int64_t *ret_row,
                              struct fov_err *err)
{
    static const struct fov_job_result given_up = {
        .status = 500, .error = "the service stopped three times while working on it"};
    for (;;) {
        int64_t n = 0;
        enum fov_code rc;
        *ret_row = 0;
        if ((rc = fov__db_run(s, ret_row, err, pick, "i", now_s)) || !*ret_row ||
            (rc = fov__db_run(s, &n, err, "SELECT n_attempts - n_put_back FROM job WHERE id = ?",
                              "i", *ret_row)) ||
            n < FOV_MAX_ATTEMPTS || (rc = end_job(s, *ret_row, &given_up, err)))
            return rc;
    }
}

struct claimed {
    struct fov_job job;
    unsigned char *request, *input;
    size_t request_bytes, input_bytes;
};

static enum fov_code claim(struct fov_store *s, int lease_s, struct claimed *c, bool *ret_found,
                           struct fov_err *err)
{
    const int64_t now_s = time(NULL);
    int64_t row;
    enum fov_code rc;
    if ((rc = next_job(s, now_s, &row, err)) || !row)
        return rc;
    if ((rc = fov__db_run(s, NULL, err,
                          "UPDATE job SET state = 'running', n_attempts = n_attempts + 1,"
                          " leased_to_s = ? WHERE id = ?",
                          "ii", now_s + lease_s, row)) ||
        (rc = job_at(s, row, &c->job, err)) ||
        (rc = bytes_at(s, "SELECT request FROM job WHERE id = ?", row, &c->request,
                       &c->request_bytes, err)) ||
        (rc = bytes_at(s, "SELECT data FROM blob WHERE job = ? AND kind = 'input'", row, &c->input,
                       &c->input_bytes, err)))
        return rc;
    *ret_found = true;
    return FOV_OK;
}

enum fov_code fov_store_job_claim(struct fov_store *s, int lease_s, struct fov_job *ret_job,
                                  char **ret_request, unsigned char **ret_input,
                                  size_t *ret_input_bytes, bool *ret_found, struct fov_err *err)
{
    struct claimed c = {0};
    bool found = false;
    enum fov_code rc = fov__db_begin(s, err);
    if (rc)
        return rc;
    if ((rc = fov__db_end(s, claim(s, lease_s, &c, &found, err), err))) {
        fov_free(c.request);
        fov_free(c.input);
        return rc;
    }
    if (found) {
        *ret_job = c.job;
        *ret_request = (char *)c.request;
        *ret_input = c.input;
        *ret_input_bytes = c.input_bytes;
    }
    *ret_found = found;
    return FOV_OK;
}

enum fov_code fov_store_job_renew(struct fov_store *s, const char *id, int n_attempts, int lease_s,
                                  bool *ret_ours, struct fov_err *err)
{
    int64_t row = 0;
    enum fov_code rc = fov__db_begin(s, err);
    if (rc)
        return rc;
    rc = fov__db_run(s, &row, err,
                     "UPDATE job SET leased_to_s = ?"
                     " WHERE name = ? AND state = 'running' AND n_attempts = ? RETURNING id",
                     "isi", (int64_t)time(NULL) + lease_s, id, (int64_t)n_attempts);
    if (!(rc = fov__db_end(s, rc, err)))
        *ret_ours = row != 0;
    return rc;
}

enum fov_code fov_store_job_put_back(struct fov_store *s, const char *id, int n_attempts,
                                     struct fov_err *err)
{
    const enum fov_code rc = fov__db_begin(s, err);
    return rc ? rc
              : fov__db_end(s,
                            fov__db_run(s, NULL, err,
                                        "UPDATE job SET state = 'queued', leased_to_s = 0,"
                                        " n_put_back = n_put_back + 1"
                                        " WHERE name = ? AND state = 'running' AND n_attempts = ?",
                                        "si", id, (int64_t)n_attempts),
                            err);
}

/* ---- forgetting -------------------------------------------------------------------------- */

enum fov_code fov_store_clean(struct fov_store *s, int64_t before_s, struct fov_err *err)
{
    for (int64_t last = CLEANED_AT_ONCE; last == CLEANED_AT_ONCE;) {
        enum fov_code rc = fov__db_begin(s, err);
        if (rc)
            return rc;
        rc = fov__db_run(s, NULL, err,
                         "DELETE FROM job WHERE id IN (SELECT id FROM job"
                         "  WHERE finished_s > 0 AND finished_s < ?1 AND NOT EXISTS (SELECT 1"
                         "   FROM webhook WHERE webhook.job = job.id AND state <> 'delivered'"
                         "   AND at_s >= ?1) ORDER BY finished_s LIMIT ?2)",
                         "ii", before_s, (int64_t)CLEANED_AT_ONCE);
        if (!rc)
            rc = fov__db_run(s, &last, err, "SELECT changes()", "");
        if ((rc = fov__db_end(s, rc, err)))
            return rc;
    }
    return FOV_OK;
}
