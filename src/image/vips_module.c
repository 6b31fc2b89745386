/* SPDX-License-Identifier: Apache-2.0 */
/* vips_module.c -- the network as an operation of libvips: `vips fovea_upscale in.jpg out.png` and
 * every binding have it, when this file lies in libvips's folder of modules.
 *
 * It is fov_image_enlarge() with libvips's way of passing arguments. The engine is started once,
 * with libvips's number of threads; a network is opened for each operation and lives as long as the
 * picture that it makes.
 *
 * Threads: operations are built on one thread at a time each. Owns: the engine, until the process
 * ends. Trust: pictures of any kind that libvips has; they are brought to sRGB or grey.
 */
#include <gmodule.h>

#include "base/mem.h"
#include "image/models.h"
#include "image/vimage.h"

struct upscale {
    VipsOperation parent;
    VipsImage *in, *out;
    int factor;
    char *model;
    double detail, denoise;
};

struct upscale_class {
    VipsOperationClass parent;
};

static VipsObjectClass *parent_class;
static struct fov_engine *engine;

static void close_model(VipsImage *image, struct fov_model *model)
{
    (void)image;
    fov_model_close(model);
}

static void *start_engine(void *ret_err)
{
    const struct fov_engine_options options = {.n_threads = vips_concurrency_get()};
    return GINT_TO_POINTER(!fov_engine_open(&options, &engine, ret_err));
}

/* The engine, with its network open. */
static enum fov_code open_network(const struct upscale *u, struct fov_model **ret_model,
                                  struct fov_err *err)
{
    static GOnce once = G_ONCE_INIT;
    static struct fov_err why;
    const struct fov_dials dials = {u->detail, u->denoise, 0};
    FOV_AUTO(fov_free_at) char *path = NULL;
    enum fov_code rc;
    if (!g_once(&once, start_engine, &why))
        return fov_fail(err, why.code, "%s", why.text);
    if ((rc = fov_models_find(u->model, u->factor, &path, err)))
        return rc;
    return fov_model_open_dialled(engine, path, &dials, ret_model, err);
}

static enum fov_code enlarge(const struct upscale *u, VipsImage **ret_out, struct fov_err *err)
{
    struct fov_image *in = NULL, *out = NULL;
    struct fov_model *model = NULL;
    VipsImage *v = u->in;
    enum fov_code rc;

    g_object_ref(v);
    if (fov__normalise(&v) || v->Bands > 4) {
        g_object_unref(v);
        return fov__vips_fail(err, FOV_EFORMAT, "in", "cannot be made RGB or grey");
    }
    if ((rc = fov__image_wrap(v, NULL, "in", &in, err)))
        return rc;
    rc = open_network(u, &model, err);
    rc = rc ? rc : fov_image_enlarge(in, model, u->factor, &out, err);
    fov_image_free(in);
    if (rc) {
        fov_model_close(model);
        return rc;
    }
    g_object_ref(*ret_out = out->vips);
    g_signal_connect(*ret_out, "close", G_CALLBACK(close_model), model);
    fov_image_free(out);
    return FOV_OK;
}

static int build(VipsObject *object)
{
    struct upscale *const u = (struct upscale *)object;
    struct fov_err err = {0};
    VipsImage *out;
    if (parent_class->build(object))
        return -1;
    if (enlarge(u, &out, &err)) {
        vips_error("fovea_upscale", "%s", err.text);
        return -1;
    }
    g_object_set(object, "out", out, NULL); /* which takes it */
    return 0;
}

static void init_class(void *class, void *data)
{
    GObjectClass *const object = G_OBJECT_CLASS(class);
    VipsObjectClass *const vobject = VIPS_OBJECT_CLASS(class);
    VipsOperationClass *const operation = VIPS_OPERATION_CLASS(class);

    (void)data;
    parent_class = g_type_class_peek_parent(class);
    object->set_property = vips_object_set_property;
    object->get_property = vips_object_get_property;
    vobject->nickname = "fovea_upscale";
    vobject->description = "enlarge with a neural network";
    vobject->build = build;
    operation->flags = VIPS_OPERATION_SEQUENTIAL | VIPS_OPERATION_NOCACHE; /* rows come but once */

    VIPS_ARG_IMAGE(class, "in", 1, "Input", "Input image", VIPS_ARGUMENT_REQUIRED_INPUT,
                   G_STRUCT_OFFSET(struct upscale, in));
    VIPS_ARG_IMAGE(class, "out", 2, "Output", "Output image", VIPS_ARGUMENT_REQUIRED_OUTPUT,
                   G_STRUCT_OFFSET(struct upscale, out));
    VIPS_ARG_INT(class, "factor", 3, "Factor", "Enlarge this many times",
                 VIPS_ARGUMENT_OPTIONAL_INPUT, G_STRUCT_OFFSET(struct upscale, factor), 2, 4, 4);
    VIPS_ARG_STRING(class, "model", 4, "Model", "Name or file of a network",
                    VIPS_ARGUMENT_OPTIONAL_INPUT, G_STRUCT_OFFSET(struct upscale, model), NULL);
    VIPS_ARG_DOUBLE(
        class, "detail", 5, "Detail", "0 faithful, 1 detailed, -1 what the network says",
        VIPS_ARGUMENT_OPTIONAL_INPUT, G_STRUCT_OFFSET(struct upscale, detail), -1, 1, -1);
    VIPS_ARG_DOUBLE(class, "denoise", 6, "Denoise",
                    "1 removes noise and compression, 0 leaves them", VIPS_ARGUMENT_OPTIONAL_INPUT,
                    G_STRUCT_OFFSET(struct upscale, denoise), 0, 1, 1);
}

static void init(GTypeInstance *instance, void *class)
{
    struct upscale *const u = (struct upscale *)instance;
    (void)class;
    u->factor = 4;
    u->detail = -1;
    u->denoise = 1;
}

G_MODULE_EXPORT const gchar *g_module_check_init(GModule *module);

G_MODULE_EXPORT const gchar *g_module_check_init(GModule *module)
{
    g_module_make_resident(module);
    if (!g_type_from_name("FoveaUpscale"))
        g_type_register_static_simple(VIPS_TYPE_OPERATION, "FoveaUpscale",
                                      sizeof(struct upscale_class), init_class,
                                      sizeof(struct upscale), init, 0);
    return NULL;
}
