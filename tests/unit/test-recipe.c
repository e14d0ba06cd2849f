/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recipes as text. */

#include "base/common.h"
#include "base/error.h"
#include "spec/spec.h"
#include "provision/recipe.h"
#include "check.h"

#include <errno.h>
#include <string.h>

#define MAKER "maker=mgmtdev:pci/0000:3b:00.2"

static const struct {
    const char *text;
    struct vfa_recipe recipe;
} recipes[] = {
    {MAKER, {.maker = "mgmtdev:pci/0000:3b:00.2"}},
    {"maker=mdev-type:mtty/mtty-2 made=yes", {.maker = "mdev-type:mtty/mtty-2", .made = true}},
    {MAKER
     " mac=52:54:00:01:02:03 max_vqp=4 mtu=9000 policy=best_effort link=/run/x/y node=vhost-vdpa-3 "
     "made=yes",
     {.maker = "mgmtdev:pci/0000:3b:00.2",
      .mac = "52:54:00:01:02:03",
      .vdpa = {4, 9000},
      .policy = VFA_SETTINGS_BEST_EFFORT,
      .link = (char *)"/run/x/y",
      .node = "vhost-vdpa-3",
      .made = true}},
    {"maker=mgmtdev:a%25b", {.maker = "mgmtdev:a%b"}},
    {MAKER " link=/a%20b%25c%0A%FF=d",
     {.maker = "mgmtdev:pci/0000:3b:00.2", .link = (char *)"/a b%c\n\xff=d"}},
};

static void test_both_ways(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(recipes); i++) {
        VFA_AUTO(vfa_recipe_clear) struct vfa_recipe recipe = {.link = NULL};
        VFA_AUTO(vfa_freep) char *text = NULL;

        CHECK(vfa_recipe_format(&recipes[i].recipe, &text, NULL) == 0 &&
                  strcmp(text, recipes[i].text) == 0,
              "%zu: %s", i, text);
        CHECK(vfa_recipe_parse(recipes[i].text, "d", &recipe, NULL) == 0 &&
                  vfa_recipe_same(&recipe, &recipes[i].recipe) &&
                  strcmp(recipe.node, recipes[i].recipe.node) == 0 &&
                  recipe.made == recipes[i].recipe.made,
              "%zu", i);
        for (size_t j = 0; j < ARRAY_SIZE(recipes); j++)
            CHECK(vfa_recipe_same(&recipe, &recipes[j].recipe) == (i == j), "%zu %zu", i, j);
    }
}

static void test_newer(void)
{
    VFA_AUTO(vfa_recipe_clear) struct vfa_recipe recipe = {.link = NULL};

    CHECK(vfa_recipe_parse("  features=%ZZ " MAKER "  x= mtu=68 link=/a link=/b", "d", &recipe,
                           NULL) == 0 &&
              recipe.vdpa.mtu == 68 && strcmp(recipe.link, "/b") == 0,
          "words of a newer version, more blanks, and a key that comes twice");
}

static void test_bad(void)
{
    static const struct {
        const char *text, *word;
    } bad[] = {
        {"", "no maker"},
        {"mtu=68", "no maker"},
        {"maker=", "'maker'"},
        {"maker", "'maker'"},
        {MAKER " mtu=0", "'mtu'"},
        {MAKER " mtu=65536", "'mtu'"},
        {MAKER " mtu=-1", "'mtu'"},
        {MAKER " max_vqp=", "'max_vqp'"},
        {MAKER " max_vqp=1x", "'max_vqp'"},
        {MAKER " mac=52:54", "'mac'"},
        {MAKER " policy=maybe", "'policy'"},
        {MAKER " made=maybe", "'made'"},
        {MAKER " link=relative", "'link'"},
        {MAKER " link=/a%", "'link'"},
        {MAKER " link=/a%0", "'link'"},
        {MAKER " link=/a%00", "'link'"},
        {MAKER " link=/a%g0", "'link'"},
        {MAKER " node=", "'node'"},
        {MAKER " node=../vhost-vdpa-3", "'node'"},
        {MAKER " node=vhost-vdpa-42949672960000", "'node'"},
        {MAKER " nothing", "'nothing'"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        struct vfa_recipe recipe;

        CHECK(vfa_recipe_parse(bad[i].text, "vdpa:x", &recipe, &err) == -EINVAL &&
                  check_has(&err, "the record of how vdpa:x was made ") &&
                  check_has(&err, bad[i].word),
              "'%s': %s", bad[i].text, vfa_error_text(&err));
    }
}

int main(void)
{
    test_both_ways();
    test_newer();
    test_bad();
    return check_result();
}
