/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See made.h. This file knows claim, record and locks; make.h knows the kernel. */

#include "made.h"

#include "base/common.h"
#include "base/error.h"
#include "base/patience.h"
#include "device/kind.h"
#include "device/made-name.h"
#include "device/sysfs.h"
#include "device/vdpa-kind.h"
#include "spec/spec.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/lock.h"
#include "state/saved.h"
#include "state/state.h"
#include "host/host.h"
#include "make.h"
#include "node-link.h"
#include "private.h"
#include "provisioner.h"
#include "recipe.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* ---- the place of nodes and links ---- */

struct made_place {
    char *folder; /* of the links */
    char *nodes;  /* "/dev" */
};

static void made_place_clear(struct made_place *place)
{
    free(place->folder);
    free(place->nodes);
}

/* Nodes are next to the root of sysfs, as device/maker.h says. */
static int find_place(const struct vfa_host *host, struct made_place *ret, struct vfa_error *err)
{
    char beside[PATH_MAX];

    snprintf(beside, sizeof(beside), "%s/../dev", host->config->sysfs_root);
    ret->nodes = realpath(beside, NULL);
    if (!ret->nodes && errno == ENOENT)
        ret->nodes = strdup("/dev");
    ret->folder = vfa_made_folder(host->config);
    return ret->nodes && ret->folder ? 0 : vfa_fail_oom(err);
}

/* ---- the record ---- */

/* Reads the recipe on record. VFA_STATE_ABSENT: there is none. */
static int read_recipe(struct vfa_host *host, const char *device, struct vfa_recipe *ret,
                       struct vfa_error *err)
{
    VFA_AUTO(vfa_saved_list_clear) struct vfa_saved_list list = {NULL, 0};
    int r = vfa_state_saved(host->state, device, &list, err);

    if (r < 0)
        return r;
    if (list.n == 0 || !list.items[0].recipe)
        return VFA_STATE_ABSENT;
    return vfa_recipe_parse(list.items[0].recipe, device, ret, err);
}

static int write_recipe(struct vfa_host *host, const char *device, const struct vfa_recipe *recipe,
                        struct vfa_error *err)
{
    VFA_AUTO(vfa_saved_clear) struct vfa_saved saved = {.up = VFA_SAVED_NONE};
    int r;

    snprintf(saved.device, sizeof(saved.device), "%s", device);
    r = vfa_recipe_format(recipe, &saved.recipe, err);
    return r == 0 ? vfa_state_save(host->state, &saved, err) : r;
}

int vfa_made_path(struct vfa_host *host, const char *device, char **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_recipe_clear) struct vfa_recipe recipe = {.link = NULL};
    int r = read_recipe(host, device, &recipe, err);

    if (r < 0)
        return r;
    *ret = vfa_steal(&recipe.link);
    return 0;
}

/* The path of a link that is not below the folder is not one of vfalias: nothing to remove. */
int vfa_made_record(struct vfa_host *host, const char *device, const char *maker, const char *link,
                    struct vfa_error *err)
{
    VFA_AUTO(vfa_recipe_clear) struct vfa_recipe recipe = {.made = true};
    VFA_AUTO(vfa_freep) char *folder = vfa_made_folder(host->config);

    snprintf(recipe.maker, sizeof(recipe.maker), "%s", maker);
    if (folder && link && vfa_node_link_is_below(folder, link))
        recipe.link = strdup(link);
    if (!folder || (link && vfa_node_link_is_below(folder, link) && !recipe.link))
        return vfa_fail_oom(err);
    return write_recipe(host, device, &recipe, err);
}

/* ---- the errand ---- */

/* Another program that makes or destroys this device is done soon. */
static int lock_making(const struct vfa_host *host, const char *device, int *ret_fd,
                       struct vfa_error *err)
{
    struct vfa_patience patience = vfa_patience_begin(VFA_PROVISIONER_PATIENCE_MS);
    int r;

    do
        r = vfa_lock_making(host->config->state_path, device, ret_fd, err);
    while (r == VFA_LOCK_TAKEN && vfa_patience_wait(&patience));
    if (r != VFA_LOCK_TAKEN)
        return r;
    vfa_fail(err, ETIMEDOUT, "another program makes or destroys %s", device);
    return VFA_VF_NOT_NOW;
}

struct errand {
    struct vfa_host *host;
    const struct vfa_claim *claim; /* zero: none */
    const char *link;              /* the path of the recipe, or NULL */
};

static void warn_of_claim(void *data, const struct vfa_error *why)
{
    const struct errand *errand = data;

    vfa_provisioner_warn(errand->host, errand->claim, why);
}

/* *ret: whether a domain holds the claim; *ret_claim is zero if there is no claim. */
static int find_claim(struct vfa_host *host, const char *device, struct vfa_claim *ret_claim,
                      struct vfa_error *err)
{
    int r = vfa_state_claim_of(host->state, device, ret_claim, err);

    return r < 0 ? r : 0;
}

/* Two domains, or two elements of one domain, may name the same path: the first one keeps it, since
 * libvirt would give the guest the device of the second one. */
static int check_link(void *data, struct vfa_error *err)
{
    const struct errand *errand = data;
    VFA_AUTO(vfa_recipe_clear) struct vfa_recipe recipe = {.link = NULL};
    VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};
    char other[VFA_DEVICE_ID_SIZE];
    int r = vfa_vdpa_of_node(&errand->host->sysfs, errand->link, other, err);

    if (r != 0 || strcmp(other, errand->claim->device) == 0)
        return r < 0 ? r : 0;
    r = read_recipe(errand->host, other, &recipe, err);
    if (r != 0 || !recipe.link || strcmp(recipe.link, errand->link) != 0)
        return r < 0 ? r : 0;
    r = find_claim(errand->host, other, &claim, err);
    if (r < 0 || !claim.device)
        return r;
    return vfa_fail(err, EEXIST, "the link '%s' is that of %s of domain '%s'", errand->link, other,
                    claim.domain);
}

static int make_recorded(struct vfa_host *host, const struct vfa_claim *claim,
                         const struct vfa_make *without_warning, struct vfa_recipe *recipe,
                         struct vfa_error *err)
{
    struct errand errand = {host, claim, recipe->link};
    struct vfa_make make = *without_warning;
    int r;

    if (!claim->device || !vfa_claim_is_held(claim->state))
        return VFA_VF_STALE;
    if (recipe->made && vfa_made_is_complete(&make))
        return 0;
    make.warn = warn_of_claim;
    make.check_link = check_link;
    make.data = &errand;
    make.ret_node = recipe->node;
    r = vfa_make_device(&make, err);
    recipe->made = true;
    return r == 0 ? write_recipe(host, make.device, recipe, err) : r;
}

static int destroy_recorded(const struct vfa_claim *claim, const struct vfa_make *make,
                            struct vfa_error *err)
{
    if (claim->device && claim->state == VFA_CLAIM_ACTIVE)
        return vfa_refuse(err, EBUSY, "cannot destroy %s: domain '%s' has it", make->device,
                          claim->domain);
    return vfa_destroy_device(make, err);
}

static int do_errand(struct vfa_host *host, const char *verb, const char *device,
                     struct vfa_recipe *recipe, struct vfa_error *err)
{
    VFA_AUTO(made_place_clear) struct made_place place = {NULL, NULL};
    VFA_AUTO(vfa_claim_clear) struct vfa_claim claim = {0};
    int r = find_place(host, &place, err);
    const struct vfa_make make = {.sysfs = &host->sysfs,
                                  .nodes = place.nodes,
                                  .folder = place.folder,
                                  .device = device,
                                  .recipe = recipe};

    if (r == 0)
        r = find_claim(host, device, &claim, err);
    if (r < 0)
        return r;
    if (strcmp(verb, VFA_MADE_MAKE) == 0)
        return make_recorded(host, &claim, &make, recipe, err);
    return destroy_recorded(&claim, &make, err);
}

int vfa_made_errand(struct vfa_host *host, const char *verb, const char *device,
                    struct vfa_error *err)
{
    VFA_AUTO(vfa_recipe_clear) struct vfa_recipe recipe = {.link = NULL};
    VFA_AUTO(vfa_lock_endp) int lock = -1;
    int r = lock_making(host, device, &lock, err);

    if (r != 0)
        return r;
    r = read_recipe(host, device, &recipe, err);
    if (r == VFA_STATE_ABSENT) /* destroyed already, or its claim has ended */
        return strcmp(verb, VFA_MADE_MAKE) == 0 ? VFA_VF_STALE : 0;
    if (r == -EINVAL)
        return VFA_VF_REFUSED;
    return r == 0 ? do_errand(host, verb, device, &recipe, err) : r;
}

int vfa_made_destroy(struct vfa_host *host, const char *device, const char *uuid,
                     const char *request, struct vfa_error *err)
{
    VFA_AUTO(vfa_recipe_clear) struct vfa_recipe recipe = {.link = NULL};
    VFA_AUTO(made_place_clear) struct made_place place = {NULL, NULL};
    VFA_AUTO(vfa_lock_endp) int lock = -1;
    struct vfa_make make = {.sysfs = &host->sysfs, .device = device, .recipe = &recipe};
    int r = find_place(host, &place, err);

    if (r == 0)
        r = lock_making(host, device, &lock, err);
    if (r != 0)
        return r;
    if (asprintf(&recipe.link, "%s/%s/%s", place.folder, uuid, request) < 0) {
        recipe.link = NULL;
        return vfa_fail_oom(err);
    }
    make.nodes = place.nodes;
    make.folder = place.folder;
    return vfa_destroy_device(&make, err);
}

int vfa_made_find_maker(struct vfa_host *host, const char *device, char ret[VFA_DEVICE_ID_SIZE],
                        struct vfa_error *err)
{
    return vfa_make_find_maker(&host->sysfs, device, ret, err);
}

static int run_errand(struct vfa_host *host, const char *verb, const char *device,
                      struct vfa_error *err)
{
    return host->run_maker ? host->run_maker(host->maker_data, verb, device, err)
                           : vfa_made_errand(host, verb, device, err);
}

/* ---- the steps ---- */

bool vfa_made_is_wanted(const struct vfa_job *job)
{
    return job->claim->maker && vfa_sysfs_is_host(&job->host->sysfs);
}

/* Only vDPA devices have a node that an element names. */
static int choose_link(const struct vfa_job *job, const char *folder, char **ret,
                       struct vfa_error *err)
{
    const struct vfa_claim *claim = job->claim;
    const char *path = job->desired->path;

    if (strcmp(vfa_kind_of(claim->device)->name, VFA_KIND_VDPA) != 0)
        return 0;
    if (path && !vfa_node_link_is_below(folder, path))
        return vfa_refuse(err, EINVAL,
                          "the domain's XML names '%s', but the device is made under a path below "
                          "'%s'",
                          path, folder);
    if (path)
        *ret = strdup(path);
    else if (asprintf(ret, "%s/%s/%s", folder, claim->uuid, claim->request) < 0)
        *ret = NULL;
    return *ret ? 0 : vfa_fail_oom(err);
}

static int write_plan(const struct vfa_job *job, const char *folder, struct vfa_recipe *ret,
                      struct vfa_error *err)
{
    const struct vfa_desired *desired = job->desired;

    ret->vdpa = desired->vdpa;
    ret->policy = desired->policy;
    snprintf(ret->maker, sizeof(ret->maker), "%s", job->claim->maker);
    snprintf(ret->mac, sizeof(ret->mac), "%s", desired->mac);
    return choose_link(job, folder, &ret->link, err);
}

/* A device of this name that is on record, or that has the name of this request, is vfalias' own. One
 * that exists otherwise is given out as it is: the claim is of that device if it has the claim's
 * maker. *ret: it is such a device. */
static int check_own(const struct vfa_job *job, bool on_record, bool *ret, struct vfa_error *err)
{
    const struct vfa_claim *claim = job->claim;
    char maker[VFA_DEVICE_ID_SIZE];
    int r;

    *ret = false;
    if (on_record || vfa_made_is_name(claim->uuid, claim->request, claim->device))
        return 0;
    r = vfa_made_find_maker(job->host, claim->device, maker, err);
    if (r == VFA_SYSFS_GONE)
        return 0;
    *ret = r == 0 && strcmp(maker, claim->maker) == 0;
    if (r < 0 || *ret)
        return r;
    return vfa_refuse(err, EEXIST, "%s exists already, and vfalias has not made it", claim->device);
}

/* True if the device was made as it is planned, and is usable. */
static bool is_done(const struct vfa_job *job, const struct made_place *place,
                    const struct vfa_recipe *recorded, const struct vfa_recipe *planned)
{
    const struct vfa_make make = {.sysfs = &job->host->sysfs,
                                  .nodes = place->nodes,
                                  .folder = place->folder,
                                  .device = job->claim->device,
                                  .recipe = planned};

    return recorded->made && vfa_recipe_same(recorded, planned) && vfa_made_is_complete(&make);
}

int vfa_made_plan(struct vfa_job *job, struct vfa_error *err)
{
    VFA_AUTO(vfa_recipe_clear) struct vfa_recipe planned = {.link = NULL};
    VFA_AUTO(vfa_recipe_clear) struct vfa_recipe recorded = {.link = NULL};
    VFA_AUTO(made_place_clear) struct made_place place = {NULL, NULL};
    VFA_AUTO(vfa_error_clear) struct vfa_error why = VFA_ERROR_INIT;
    int known = read_recipe(job->host, job->claim->device, &recorded, &why);
    int r = known == -EINVAL || known >= 0 ? 0 : vfa_error_move(err, &why);

    if (r == 0)
        r = find_place(job->host, &place, err);
    if (r == 0)
        r = check_own(job, known != VFA_STATE_ABSENT, &job->done, err);
    if (r == 0 && !job->done)
        r = write_plan(job, place.folder, &planned, err);
    if (r != 0 || job->done)
        return r;
    job->done = known == 0 && is_done(job, &place, &recorded, &planned);
    return job->done ? 0 : vfa_recipe_format(&planned, &job->saved.recipe, err);
}

int vfa_made_apply(struct vfa_job *job, struct vfa_error *err)
{
    return job->done ? 0 : run_errand(job->host, VFA_MADE_MAKE, job->claim->device, err);
}

/* A device that exists by itself has no recipe. */
int vfa_made_undo(struct vfa_host *host, const struct vfa_saved *saved, struct vfa_error *err)
{
    int r = saved->recipe ? run_errand(host, VFA_MADE_DESTROY, saved->device, err) : 0;

    return r < 0 ? VFA_VF_NOT_NOW : r;
}
