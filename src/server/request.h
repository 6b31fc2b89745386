/* SPDX-License-Identifier: Apache-2.0 */
/* request.h -- what a client asks for: the body of a transform request, checked.
 *
 * A body comes as JSON, from a client or back from the store, or as the parts of a form. All three
 * become the same struct by the same checks. What the operations mean is not looked at here.
 */
#ifndef FOV_SERVER_REQUEST_H
#define FOV_SERVER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "server/request_fetch.h"

enum {
    FOV_REQUEST_MAX_OPERATIONS = 30,
    FOV_REQUEST_MAX_NAME_BYTES = 255,
    FOV_REQUEST_MAX_REST_BYTES = 1 << 20, /* of a body, file.base64 not counted */
};

/* Exactly one of `file` and `url` is there. Texts are UTF-8 without NUL. */
struct fov_request {
    char *json;        /* the body, compact, file.base64 emptied: what the store keeps */
    char *operations;  /* a JSON array of at most FOV_REQUEST_MAX_OPERATIONS elements */
    char *name;        /* of the file, as the client says, at most 255 bytes; or NULL */
    char *url;         /* of the file, or NULL */
    char *webhook_url; /* present: asynchronous; or NULL */
    bool has_file;
    const unsigned char *file; /* not owned: in the caller's text or memory; or NULL */
    size_t file_bytes;         /* at least 1 where there is a file */
    bool dry_run;
    struct fov_request_fetch fetch; /* how `url` is to be asked for */
};

struct fov_request_options {
    size_t max_file_bytes;
    const char
        *allow; /* for tests, as in fov_fetch_options: URLs may be http; NULL: they may not */
    /* The file of a stored request, whose JSON has an empty file.base64. NULL: it is in the text.
     * A stored request with a URL has none. */
    const unsigned char *stored_file;
    size_t stored_file_bytes;
};

/* The parts of a form, or of a request whose body is the file itself. Texts are borrowed. */
struct fov_request_parts {
    const char *operations; /* JSON, n_operations bytes; NULL: missing */
    size_t n_operations;
    const char *name, *webhook_url; /* or NULL */
    const unsigned char *file;      /* or NULL: missing */
    size_t file_bytes;
    bool dry_run;
};

/* Read `n` bytes of JSON at `text`. The file is decoded where its base64 lies: `text` is changed,
 * whatever comes of it, and must outlive the request. Gives *ret_request; end it with
 * fov_request_free(). FOV_EUSAGE for what a client did wrong, FOV_ELIMIT for a file over
 * options->max_file_bytes or a body over FOV_REQUEST_MAX_REST_BYTES beside it, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_request_parse(char *text, size_t n,
                                            const struct fov_request_options *options,
                                            struct fov_request **ret_request, struct fov_err *err);

/* The same from parts. parts->file must outlive the request; of the options, a stored file is not
 * looked at. The json is that of a body that says the same. Gives, and fails, as above. */
FOV_CHECKED enum fov_code fov_request_from_parts(const struct fov_request_parts *parts,
                                                 const struct fov_request_options *options,
                                                 struct fov_request **ret_request,
                                                 struct fov_err *err);

/* NULL is fine. */
void fov_request_free(struct fov_request *request);

#endif
