/* SPDX-License-Identifier: Apache-2.0 */
/* err.h -- how a call fails: a small code to act on, a sentence for a person.
 *
 * The code decides (retry, exit status, HTTP status); the text explains. The text lives in the
 * caller's struct, so failing allocates nothing and two threads never share a message.
 */
#ifndef FOVEA_ERR_H
#define FOVEA_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

/* Code, exit status of the program, HTTP status of the service, what happened. The one table. */
#define FOV_CODES(X)                                                                               \
    X(FOV_OK, 0, 200, "done")                                                                      \
    X(FOV_ESOME, 1, 500, "some of several pictures failed")                                        \
    X(FOV_EUSAGE, 2, 400, "the call or the command line is wrong")                                 \
    X(FOV_EFORMAT, 65, 422, "the picture is not what it claims to be")                             \
    X(FOV_EKIND, 65, 400, "the file is of no format that is read here")                            \
    X(FOV_ELIMIT, 65, 413, "valid, but over a limit")                                              \
    X(FOV_ENOINPUT, 66, 404, "there is no such input, or it cannot be read")                       \
    X(FOV_EMODEL, 69, 503, "the network is missing or unusable")                                   \
    X(FOV_EINTERNAL, 70, 500, "a fault of our own")                                                \
    X(FOV_EOUTPUT, 73, 507, "the result cannot be written")                                        \
    X(FOV_ENOMEM, 75, 503, "memory ran out")                                                       \
    X(FOV_ECANCEL, 75, 499, "someone asked us to stop")                                            \
    X(FOV_ETIME, 75, 504, "it took longer than it may")                                            \
    X(FOV_ECREDIT, 77, 402, "credits are used up, or a budget is")                                 \
    X(FOV_EPERM, 77, 403, "not permitted")                                                         \
    X(FOV_ECONFIG, 78, 500, "the configuration is wrong")

#define FOV_CODE_NAME(code, exit_status, http_status, text) code,
enum fov_code { FOV_CODES(FOV_CODE_NAME) FOV_N_CODES };
#undef FOV_CODE_NAME

struct fov_err {
    enum fov_code code;
    char text[1024]; /* one sentence without a full stop, UTF-8, empty while code is FOV_OK */
};

#ifdef __cplusplus
}
#endif

#endif
