/* SPDX-License-Identifier: Apache-2.0 */
/* openapi.h -- docs/api/openapi.json, as part of the program. */
#ifndef FOV_SERVER_OPENAPI_H
#define FOV_SERVER_OPENAPI_H

#include <stddef.h>

extern const char fov__openapi[];
extern const size_t fov__openapi_bytes;

#endif
