/* SPDX-License-Identifier: Apache-2.0 */
/* models.h -- where networks are installed, and which file a name means. */
#ifndef FOV_IMAGE_MODELS_H
#define FOV_IMAGE_MODELS_H

#include "base/err.h"

#define FOV_MODEL_SUFFIX  ".safetensors"
#define FOV_DEFAULT_MODEL "photo"

/* The folder of the installed networks. Gives *ret_folder (fov_free()). FOV_EMODEL when there is
 * none, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_models_folder(char **ret_folder, struct fov_err *err);

/* The names in it, without suffix, sorted. Gives *ret_names; end them with fov_models_free().
 * FOV_EMODEL, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_models_list(char ***ret_names, int *ret_n, struct fov_err *err);
void fov_models_free(char **names, int n);

/* The file that `name` means for an enlargement by `factor`: itself when it is a path, or a file
 * here with the suffix of a model; NAME-xFACTOR, NAME-x4 or NAME among the installed ones. NULL
 * means FOV_DEFAULT_MODEL. Gives *ret_path (fov_free()). FOV_EMODEL, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_models_find(const char *name, int factor, char **ret_path,
                                          struct fov_err *err);

/* The same among the installed ones alone: no path, whatever `name` is. */
FOV_CHECKED enum fov_code fov_models_find_installed(const char *name, int factor, char **ret_path,
                                                    struct fov_err *err);

#endif
