/* SPDX-License-Identifier: Apache-2.0 */
/* store_credits.c -- credits: granted, held, captured or released, and audited.
 *
 * A ledger that only grows, and beside it the balances, which each transaction moves as well: a
 * request reads three numbers, however long the ledger has become. The audit compares the two.
 *
 * Threads: any.
 */
#include <time.h>

#include "store/sqlite.h"
#include "store/store.h"

enum fov_code fov_store_budget(struct fov_store *s, const char *project, int64_t budget,
                               struct fov_err *err)
{
    enum fov_code rc;
    if (budget < FOV_NO_BUDGET)
        return fov_fail(err, FOV_EUSAGE, "a budget is a number from 0");
    if ((rc = fov__check_name(project, "project", err)) || (rc = fov__db_begin(s, err)))
        return rc;
    return fov__db_end(s,
                       fov__db_run(s, NULL, err,
                                   "INSERT INTO project(name, budget) VALUES(?1, ?2)"
                                   " ON CONFLICT(name) DO UPDATE SET budget = ?2",
                                   "si", project, budget),
                       err);
}

/* A line of the ledger, and what it does to a balance. */
static enum fov_code enter(struct fov_store *s, const char *kind, const char *pool, int64_t amount,
                           int64_t hold, int64_t key, int64_t *ret_id, struct fov_err *err)
{
    const enum fov_code rc =
        fov__db_run(s, ret_id, err,
                    "INSERT INTO ledger(at_s, kind, pool, amount, hold, key)"
                    " VALUES(?, ?, ?, ?, nullif(?, 0), nullif(?, 0)) RETURNING id",
                    "issiii", (int64_t)time(NULL), kind, pool, amount, hold, key);
    return rc || !amount
               ? rc
               : fov__db_run(s, NULL, err, "UPDATE balance SET amount = amount + ? WHERE pool = ?",
                             "is", amount, pool);
}

enum fov_code fov_store_grant(struct fov_store *s, bool trial, int64_t n, struct fov_err *err)
{
    enum fov_code rc;
    if (n < 1 || n > 1000000000)
        return fov_fail(err, FOV_EUSAGE, "credits are added 1 to 1000000000 at a time");
    if ((rc = fov__db_begin(s, err)))
        return rc;
    return fov__db_end(s, enter(s, "grant", trial ? "trial" : "paid", n, 0, 0, NULL, err), err);
}

enum fov_code fov_store_credits(struct fov_store *s, struct fov_credits *ret, struct fov_err *err)
{
    enum fov_code rc = fov__db_begin(s, err);
    if (rc)
        return rc;
    if (!(rc = fov__db_run(s, &ret->trial, err, "SELECT amount FROM balance WHERE pool = 'trial'",
                           "")) &&
        !(rc = fov__db_run(s, &ret->paid, err, "SELECT amount FROM balance WHERE pool = 'paid'",
                           "")) &&
        !(rc = fov__db_run(s, &ret->held, err, "SELECT count(*) FROM open_hold", "")))
        rc = fov__db_run(s, &ret->captured, err, "SELECT n FROM captured", "");
    return fov__db_end(s, rc, err);
}

/* Count one more, or one less, for a key and its project. */
static enum fov_code count_use(struct fov_store *s, int64_t key, int64_t by, struct fov_err *err)
{
    const enum fov_code rc =
        fov__db_run(s, NULL, err, "UPDATE key SET n_used = n_used + ? WHERE id = ?", "ii", by, key);
    return rc ? rc
              : fov__db_run(s, NULL, err,
                            "UPDATE project SET n_used = n_used + ?"
                            " WHERE id = (SELECT project FROM key WHERE id = ?)",
                            "ii", by, key);
}

enum fov_code fov__credit_hold(struct fov_store *s, int64_t key, int64_t *ret_hold,
                               struct fov_err *err)
{
    int64_t left = -1, trial = 0, paid = 0;
    enum fov_code rc;
    if ((rc = fov__db_run(
             s, &left, err,
             "SELECT CASE WHEN budget < 0 THEN 1 ELSE max(0, budget - project.n_used) END"
             " FROM key JOIN project ON project.id = key.project WHERE key.id = ?",
             "i", key)) ||
        (rc = fov__db_run(s, &trial, err, "SELECT amount FROM balance WHERE pool = 'trial'", "")) ||
        (rc = fov__db_run(s, &paid, err, "SELECT amount FROM balance WHERE pool = 'paid'", "")))
        return rc;
    if (left < 0)
        return fov_fail(err, FOV_EINTERNAL, "%s: there is no key %lld", s->name, (long long)key);
    if (!left)
        return fov_fail(err, FOV_ECREDIT, "Budget cap exceeded");
    if (trial + paid < 1)
        return fov_fail(err, FOV_ECREDIT, "Insufficient credits");
    if ((rc = enter(s, "hold", trial ? "trial" : "paid", -1, 0, key, ret_hold, err)) ||
        (rc = fov__db_run(s, NULL, err, "INSERT INTO open_hold VALUES(?)", "i", *ret_hold)) ||
        (rc = count_use(s, key, 1, err)))
        return rc;
    return FOV_OK;
}

enum fov_code fov_store_hold(struct fov_store *s, int64_t key_id, int64_t *ret_hold,
                             struct fov_err *err)
{
    int64_t made = 0;
    /* It is worth nothing without fov_store_capture(), which takes it to the disk, too. */
    enum fov_code rc = fov__db_begin_lasting_later(s, err);
    if (rc)
        return rc;
    rc = fov__db_end(s, fov__credit_hold(s, key_id, &made, err), err);
    if (!rc)
        *ret_hold = made;
    return rc;
}

/* End a hold that is still open, one way or the other. */
enum fov_code fov__credit_settle(struct fov_store *s, int64_t hold, bool capture,
                                 struct fov_err *err)
{
    int64_t open = 0, key = 0, is_trial = 0;
    enum fov_code rc;
    if ((rc = fov__db_run(s, &open, err, "DELETE FROM open_hold WHERE id = ? RETURNING id", "i",
                          hold)) ||
        !open)
        return rc;
    if ((rc = fov__db_run(s, &key, err, "SELECT key FROM ledger WHERE id = ?", "i", hold)) ||
        (rc = fov__db_run(s, &is_trial, err, "SELECT pool = 'trial' FROM ledger WHERE id = ?", "i",
                          hold)) ||
        (rc = enter(s, capture ? "capture" : "release", is_trial ? "trial" : "paid",
                    capture ? 0 : 1, hold, key, NULL, err)))
        return rc;
    return capture ? fov__db_run(s, NULL, err, "UPDATE captured SET n = n + 1", "")
                   : count_use(s, key, -1, err);
}

static enum fov_code settle_one(struct fov_store *s, int64_t hold, bool capture,
                                struct fov_err *err)
{
    const enum fov_code rc = fov__db_begin(s, err);
    return rc ? rc : fov__db_end(s, fov__credit_settle(s, hold, capture, err), err);
}

enum fov_code fov_store_capture(struct fov_store *s, int64_t hold, struct fov_err *err)
{
    return settle_one(s, hold, true, err);
}

enum fov_code fov_store_release(struct fov_store *s, int64_t hold, struct fov_err *err)
{
    return settle_one(s, hold, false, err);
}

enum fov_code fov_store_release_old(struct fov_store *s, int64_t before_s, int *ret_n,
                                    struct fov_err *err)
{
    int n = 0;
    enum fov_code rc = fov__db_begin(s, err);
    if (rc)
        return rc;
    for (int64_t last = 0, next = 1; !rc && next; last = next) {
        next = 0;
        rc = fov__db_run(s, &next, err,
                         "SELECT open_hold.id FROM open_hold JOIN ledger USING(id)"
                         " WHERE open_hold.id > ? AND at_s < ? AND NOT EXISTS (SELECT 1 FROM job"
                         "  WHERE hold = open_hold.id AND state IN ('queued', 'running'))"
                         " ORDER BY open_hold.id LIMIT 1",
                         "ii", last, before_s);
        if (!rc && next && !(rc = fov__credit_settle(s, next, false, err)))
            n++;
    }
    rc = fov__db_end(s, rc, err);
    if (!rc)
        *ret_n = n;
    return rc;
}

/* ---- audit ------------------------------------------------------------------------------- */

enum fov_code fov_store_audit(struct fov_store *s, struct fov_err *err)
{
    static const struct {
        const char *what, *sql; /* how many disagree */
    } rules[] = {
        {"balances", "SELECT count(*) FROM balance WHERE amount <> (SELECT coalesce(sum(amount), 0)"
                     " FROM ledger WHERE ledger.pool = balance.pool)"},
        {"open holds", "SELECT count(*) FROM (SELECT id FROM ledger WHERE kind = 'hold'"
                       " EXCEPT SELECT hold FROM ledger WHERE hold IS NOT NULL"
                       " EXCEPT SELECT id FROM open_hold)"},
        {"captured credits", "SELECT n <> (SELECT count(*) FROM ledger WHERE kind = 'capture')"
                             " FROM captured"},
        {"uses of keys", "SELECT count(*) FROM key WHERE n_used <> (SELECT count(*) FROM ledger"
                         " WHERE ledger.key = key.id AND kind = 'hold') - (SELECT count(*)"
                         " FROM ledger WHERE ledger.key = key.id AND kind = 'release')"},
        {"uses of projects", "SELECT count(*) FROM project WHERE n_used <> (SELECT"
                             " coalesce(sum(n_used), 0) FROM key WHERE key.project = project.id)"},
        {"holds of jobs", "SELECT count(*) FROM job WHERE (state IN ('queued', 'running'))"
                          " <> EXISTS (SELECT 1 FROM open_hold WHERE open_hold.id = job.hold)"},
        {"ends of jobs", "SELECT count(*) FROM job LEFT JOIN ledger ON ledger.hold = job.hold"
                         " WHERE coalesce(ledger.kind, 'none') <> CASE state"
                         "  WHEN 'done' THEN 'capture' WHEN 'failed' THEN 'release'"
                         "  WHEN 'cancelled' THEN 'release' ELSE 'none' END"},
    };
    enum fov_code rc = fov__db_begin(s, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < FOV_N_ELEMENTS(rules) && !rc; i++) {
        int64_t n = 0;
        if (!(rc = fov__db_run(s, &n, err, rules[i].sql, "")) && n)
            rc = fov_fail(err, FOV_EINTERNAL, "%s: %s do not agree with the ledger", s->path,
                          rules[i].what);
    }
    return fov__db_end(s, rc, err);
}
