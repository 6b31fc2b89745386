/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_models_check.h -- fovea models check FILE. */
#ifndef FOV_CLI_CMD_MODELS_CHECK_H
#define FOV_CLI_CMD_MODELS_CHECK_H

#include "cli/options.h"

/* Print what the network file args->operands[1] is and how far its fast results stay from exact
 * ones. FOV_EUSAGE when the operands are none, FOV_EMODEL below what is promised, and the errors of
 * opening networks and pictures. */
FOV_CHECKED enum fov_code fov_cmd_models_check(const struct fov_args *args, struct fov_err *err);

#endif
