/* SPDX-License-Identifier: Apache-2.0 */
/* log.h -- words for a person, on standard error. For programs: libraries return errors. */
#ifndef FOV_BASE_LOG_H
#define FOV_BASE_LOG_H

enum fov_log_level { FOV_LOG_ERROR, FOV_LOG_WARNING };

/* One line "fovea: ...": control characters of the text become '?', so that a file name cannot
 * drive a terminal. */
__attribute__((format(printf, 2, 3))) void fov_log(enum fov_log_level level, const char *fmt, ...);

#endif
