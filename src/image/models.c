/* SPDX-License-Identifier: Apache-2.0 */
/* models.c -- where networks are installed, and which file a name means.
 *
 * No path is compiled in: the folder is found from where the program lies, so that a build tree and
 * an installation work wherever they are moved; or from where the module for libvips lies, which
 * holds this code, too.
 *
 * Threads: main. Owns: what it gives. Trust: names are a user's; a name is never a path out of the
 * folder, because anything with a slash is taken as a path of its own.
 */
#define _GNU_SOURCE
#include "image/models.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static char *join(const char *a, const char *b, const char *c)
{
    const size_t bytes = strlen(a) + strlen(b) + strlen(c) + 1;
    char *const text = fov_calloc(bytes, 1);
    if (text)
        (void)snprintf(text, bytes, "%s%s%s", a, b, c);
    return text;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return path && !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* The first of these, seen from the folder of the file `path`, that is a folder. Gives *ret_folder,
 * or leaves it. False without memory. */
static bool look_beside(const char *path, const char *const *places, size_t n, char **ret_folder)
{
    FOV_AUTO(fov_free_at) char *here = fov_strdup(path);
    char *const slash = here ? strrchr(here, '/') : NULL;
    if (!slash)
        return here != NULL;
    slash[1] = '\0';
    for (size_t i = 0; i < n && !*ret_folder; i++) {
        char *const folder = join(here, places[i], "");
        if (!folder)
            return false;
        if (is_folder(folder))
            *ret_folder = folder;
        else
            fov_free(folder);
    }
    return true;
}

enum fov_code fov_models_folder(char **ret_folder, struct fov_err *err)
{
    static const char *const beside_program[] = {"../share/fovea/models", "../models"};
    /* lib/x86_64-linux-gnu/vips-modules-8.14/, of /usr or of /usr/local */
    static const char *const beside_module[] = {"../../../share/fovea/models", "../models",
                                                "../../../local/share/fovea/models"};
    const char *const chosen = getenv("FOVEA_MODELS");
    char program[4096], *folder = NULL;
    Dl_info code;

    if (chosen && *chosen) {
        if (!is_folder(chosen))
            return fov_fail(err, FOV_EMODEL, "%s: FOVEA_MODELS names no folder", chosen);
        *ret_folder = fov_strdup(chosen);
        return *ret_folder ? FOV_OK : fov_fail(err, FOV_ENOMEM, "no memory to look for models");
    }
    const ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
    program[n > 0 ? n : 0] = '\0';
    bool good = look_beside(program, beside_program, FOV_N_ELEMENTS(beside_program), &folder);
    if (good && !folder && dladdr(beside_program, &code) && code.dli_fname)
        good = look_beside(code.dli_fname, beside_module, FOV_N_ELEMENTS(beside_module), &folder);
    if (!good)
        return fov_fail(err, FOV_ENOMEM, "no memory to look for models");
    if (!folder)
        return fov_fail(err, FOV_EMODEL,
                        "no networks are installed beside the program (FOVEA_MODELS names another "
                        "folder)");
    *ret_folder = folder;
    return FOV_OK;
}

void fov_models_free(char **names, int n)
{
    for (int i = 0; i < n; i++)
        fov_free(names[i]);
    fov_free(names);
}

static int is_model(const struct dirent *entry)
{
    const size_t n = strlen(entry->d_name), suffix = strlen(FOV_MODEL_SUFFIX);
    return n > suffix && !strcmp(entry->d_name + n - suffix, FOV_MODEL_SUFFIX);
}

enum fov_code fov_models_list(char ***ret_names, int *ret_n, struct fov_err *err)
{
    FOV_AUTO(fov_free_at) char *folder = NULL;
    struct dirent **entries;
    const enum fov_code rc = fov_models_folder(&folder, err);
    if (rc)
        return rc;
    const int n = scandir(folder, &entries, is_model, versionsort);
    if (n < 0)
        return fov_fail(err, FOV_EMODEL, "%s: cannot list this folder", folder);

    bool complete = true;
    char **const names = fov_calloc((size_t)n, sizeof(*names));
    for (int i = 0; i < n; i++) {
        entries[i]->d_name[strlen(entries[i]->d_name) - strlen(FOV_MODEL_SUFFIX)] = '\0';
        complete = complete && names && (names[i] = fov_strdup(entries[i]->d_name));
        fov_free(entries[i]);
    }
    fov_free(entries);
    if (!complete) {
        if (names)
            fov_models_free(names, n);
        return fov_fail(err, FOV_ENOMEM, "no memory to list the models");
    }
    *ret_names = names;
    *ret_n = n;
    return FOV_OK;
}

/* A file here is meant when it is there and has a suffix that model files have. What is in it is
 * told by its content. */
static bool is_file_here(const char *name)
{
    static const char *const suffixes[] = {FOV_MODEL_SUFFIX, ".pth",   ".pt",
                                           ".ckpt",          ".param", ".bin"};
    const size_t n = strlen(name);
    for (size_t i = 0; i < FOV_N_ELEMENTS(suffixes); i++) {
        const size_t suffix = strlen(suffixes[i]);
        if (n > suffix && !strcmp(name + n - suffix, suffixes[i]))
            return !access(name, F_OK);
    }
    return false;
}

static enum fov_code unknown(const char *name, struct fov_err *err)
{
    char known[512] = "none", **names;
    int n;
    if (!fov_models_list(&names, &n, NULL)) {
        size_t used = 0;
        bool fits = true;
        for (int i = 0; i < n && fits; i++) {
            fits = used + strlen(names[i]) + sizeof(", , ...") <= sizeof(known);
            used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
                                     fits ? names[i] : "...");
        }
        fov_models_free(names, n);
    }
    return fov_fail(err, FOV_EMODEL, "no network is called '%.40s'; there are: %s", name, known);
}

enum fov_code fov_models_find(const char *name, int factor, char **ret_path, struct fov_err *err)
{
    if (!name || !(strchr(name, '/') || is_file_here(name)))
        return fov_models_find_installed(name, factor, ret_path, err);
    *ret_path = fov_strdup(name);
    return *ret_path ? FOV_OK : fov_fail(err, FOV_ENOMEM, "no memory to find a model");
}

enum fov_code fov_models_find_installed(const char *name, int factor, char **ret_path,
                                        struct fov_err *err)
{
    FOV_AUTO(fov_free_at) char *folder = NULL;
    char by_factor[16];
    (void)snprintf(by_factor, sizeof(by_factor), "-x%d" FOV_MODEL_SUFFIX, factor);
    const char *const endings[] = {by_factor, "-x4" FOV_MODEL_SUFFIX, FOV_MODEL_SUFFIX};
    enum fov_code rc;

    name = name ? name : FOV_DEFAULT_MODEL;
    if (!*name || strchr(name, '/'))
        return unknown(name, err);
    if ((rc = fov_models_folder(&folder, err)))
        return rc;
    FOV_AUTO(fov_free_at) char *stem = join(folder, "/", name);
    for (size_t i = 0; stem && i < FOV_N_ELEMENTS(endings); i++) {
        char *const path = join(stem, endings[i], "");
        if (path && !access(path, F_OK)) {
            *ret_path = path;
            return FOV_OK;
        }
        fov_free(path);
    }
    return unknown(name, err);
}
