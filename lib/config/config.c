/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Queries of a loaded configuration, and freeing it.
 *
 * Invariant: only vfa_config_free() changes a loaded configuration.
 */

#include "config.h"

#include "base/common.h"
#include "base/tags.h"
#include "device/device.h"
#include "device/inventory.h"
#include "spec/makers.h"
#include "spec/match.h"
#include "spec/spec.h"

#include <string.h>

void vfa_numvfs_clear(struct vfa_numvfs *entry)
{
    free(entry->devname);
    entry->devname = NULL;
}

static void free_texts(char **texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(texts[i]);
    free(texts);
}

struct vfa_config *vfa_config_free(struct vfa_config *config)
{
    if (!config)
        return NULL;
    for (size_t i = 0; i < config->n_specs; i++)
        vfa_spec_clear(&config->specs[i]);
    for (size_t i = 0; i < config->n_aliases; i++)
        vfa_alias_clear(&config->aliases[i]);
    for (size_t i = 0; i < config->n_numvfs; i++)
        vfa_numvfs_clear(&config->numvfs[i]);
    free(config->specs);
    free(config->aliases);
    free(config->numvfs);
    free_texts(config->files, config->n_files);
    free_texts(config->warnings, config->n_warnings);
    free(config->clean_dir);
    free(config->state_path);
    free(config->sysfs_root);
    free(config->libvirt_run);
    free(config->libvirt_uri);
    free(config);
    return NULL;
}

const struct vfa_spec *vfa_config_spec_for(const struct vfa_config *config,
                                           const struct vfa_inventory *inv,
                                           const struct vfa_device *dev)
{
    for (size_t i = 0; i < config->n_specs; i++) {
        if (vfa_spec_allows(&config->specs[i], inv, dev))
            return &config->specs[i];
    }
    return NULL;
}

const struct vfa_spec *vfa_config_spec(const struct vfa_config *config, int number)
{
    return number >= 0 && (size_t)number < config->n_specs ? &config->specs[number] : NULL;
}

bool vfa_config_claimable(const struct vfa_config *config, const struct vfa_inventory *inv,
                          const struct vfa_device *dev)
{
    if (config->device_spec_given)
        return vfa_config_spec_for(config, inv, dev) != NULL;
    return dev->type == VFA_TYPE_VF && dev->addr.domain <= VFA_NOVA_DOMAIN_MAX;
}

bool vfa_config_sets_tag(const struct vfa_config *config, const char *key)
{
    for (size_t i = 0; i < config->n_specs; i++) {
        if (vfa_tags_get(&config->specs[i].tags, key))
            return true;
    }
    return false;
}

const struct vfa_alias *vfa_config_alias(const struct vfa_config *config, const char *name)
{
    for (size_t i = 0; i < config->n_aliases; i++) {
        const struct vfa_alias *alias = &config->aliases[i];

        if (strcmp(alias->name, name) == 0 ||
            (alias->xml_name && strcmp(alias->xml_name, name) == 0))
            return alias;
    }
    return NULL;
}

const struct vfa_alias *vfa_config_chained(const struct vfa_config *config,
                                           const struct vfa_alias *chain, size_t i)
{
    return vfa_config_alias(config, chain->any_of[i]);
}

char *vfa_config_alias_names(const struct vfa_config *config, const char *quote)
{
    VFA_AUTO(vfa_freep) char *names = strdup("");

    for (size_t i = 0; names && i < config->n_aliases; i++) {
        char *more = NULL;

        if (asprintf(&more, "%s%s%s%s%s", names, i ? ", " : "", quote, config->aliases[i].name,
                     quote) < 0)
            return NULL;
        free(names);
        names = more;
    }
    return vfa_steal(&names);
}
