/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of the configuration: INI, JSON, the order of the files, [vfalias], the digest. */

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "device/inventory.h"
#include "config/config.h"
#include "config-case.h"

#include <syslog.h>

static char second[80], third[80];

/* ---- INI ---- */
static const struct text_case inis[] = {
    {"", ""},
    {"\n\n# x\n; y\n[DEFAULT]\ndebug = true\n", ""},
    {"[pci]\ndevice_spec = {\"product_id\": \"1\"}\n", "2 *:0001\n"},
    {"[pci]\ndevice_spec : {\"product_id\": \"1\"}", "2 *:0001\n"},
    {"[pci]\r\ndevice_spec={\"product_id\":\"1\"}\r\n", "2 *:0001\n"},
    {"[pci]\rdevice_spec={\"product_id\":\"1\"}\r", "2 *:0001\n"},
    {"[PCI]\ndevice_spec = {}\n", "2 *:*\n"},
    {"[ pci ]\ndevice_spec = {\n", ""},
    {"[pci]\nDevice_Spec = {\n", ""},
    {"[pci]  \n  \ndevice_spec = '{}'\ndevice_spec = \"{}\"  \n", "3 *:*\n4 *:*\n"},
    {"[other]\ndevice_spec = {bad\n[pci]\ndevice_spec = {}\n[other]\ndevice_spec = {bad\n",
     "4 *:*\n"},
    /* continuation lines */
    {"[pci]\ndevice_spec = [\n  {},\n\t{\"t\": \"a;b#c\"} ]\n", "2 *:*\n2 *:* t=a;b#c\n"},
    {"[pci]\ndevice_spec =\n  {}\n", "2 *:*\n"},
    {"[pci]\ndevice_spec = {}\n  # no comment\n", "!:3: cannot read JSON at '# no comment'"},
    {"[pci]\ndevice_spec = {} # no comment\n", "!:2: cannot read JSON at '# no comment'"},
    {"[pci]\ndevice_spec = {\n  \"t\": \"1\"\n}\n", "!:4: there is no ':' or '=' in '}'"},
    {"[pci]\ndevice_spec = [{},\n\n  {}]\n", "!:4: an indented line continues nothing"},
    {"[pci]\ndevice_spec = [{},\n# x\n  {}]\n", "!:4: an indented line continues nothing"},
    {" [pci]\n", "!:1: an indented line continues nothing"},
    {"[pci]\n  device_spec = {}\n", "!:2: an indented line continues nothing"},
    /* invalid lines */
    {"[pci]\ndevice_spec\n", "!:2: there is no ':' or '='"},
    {"[pci]\n= {}\n", "!:2: there is no key"},
    {"[pci\n", "!:1: a section does not end with ']'"},
    {"[pci] # x\n", "!:1: a section does not end with ']'"},
    {"[]\n", "!:1: a section has no name"},
    {"device_spec = {}\n[pci]\n", "!:1: 'device_spec' stands in front of the first section"},
    /* only the quotes around the first line are removed, and only if they are equal */
    {"[pci]\ndevice_spec = '{\n  }'\n", "!:2: cannot read JSON"},
    {"[pci]\ndevice_spec = '{}\"\n", "!:2: cannot read JSON"},
    {"[pci]\ndevice_spec = \"\n", "!:2: cannot read JSON: the value is empty"},
    /* old names come first, file by file */
    {"[pci]\ndevice_spec = {\"t\": \"1\"}\npassthrough_whitelist = {\"t\": \"2\"}\n[DEFAULT]\n"
     "pci_passthrough_whitelist = {\"t\": \"3\"}\n[pci]\npci_passthrough_whitelist = {\"t\": "
     "\"4\"}\ndevice_spec = {\"t\": \"5\"}\n",
     "5 *:* t=3\n7 *:* t=4\n3 *:* t=2\n2 *:* t=1\n8 *:* t=5\n"},
    {"[DEFAULT]\ndevice_spec = {bad\nalias = {bad\n", ""},
};

/* ---- JSON ---- */
static const struct text_case jsons[] = {
    {"[pci]\ndevice_spec = []\n", ""},
    {"[pci]\ndevice_spec = [{}, {\"vendor_id\": \"8086\"}]\n", "2 *:*\n2 8086:*\n"},
    {"[pci]\ndevice_spec = {\"vendor_id\": \"1\", \"vendor_id\": \"2\"}\n", "2 0002:*\n"},
    {"[pci]\ndevice_spec = {\"t\": \"a\\/\\u0041\\n\\ud83d\\ude00\\\"\"}\n",
     "2 *:* t=a/A\n\xf0\x9f\x98\x80\"\n"},
    {"[pci]\ndevice_spec = {\"vendor_id\": \"8086\",}\n", "!a key in double quotes is expected"},
    {"[pci]\ndevice_spec = [{},]\n", "!a value is expected"},
    {"[pci]\ndevice_spec = {} {}\n", "!there is more text behind the value"},
    {"[pci]\ndevice_spec = {} x\n", "!there is more text behind the value"},
    {"[pci]\ndevice_spec = {\"a\" \"b\"}\n", "!a ':' is expected"},
    {"[pci]\ndevice_spec = {\"a\": \"b\" \"c\": \"d\"}\n", "!a ',' or '}' is expected"},
    {"[pci]\ndevice_spec = [{} {}]\n", "!a ',' or ']' is expected"},
    {"[pci]\ndevice_spec = {a: \"b\"}\n", "!a key in double quotes is expected"},
    {"[pci]\ndevice_spec = {'a': 'b'}\n", "!a key in double quotes is expected"},
    {"[pci]\ndevice_spec = {\"a\": 'b'}\n", "!a value is expected"},
    {"[pci]\ndevice_spec = {\"a\": NaN}\n", "!a value is expected"},
    {"[pci]\ndevice_spec = {\"a\": Infinity}\n", "!a value is expected"},
    {"[pci]\ndevice_spec = {\"a\": TRUE}\n", "!a value is expected"},
    {"[pci]\ndevice_spec = {\"a\": nul}\n", "!a value is expected"},
    {"[pci]\ndevice_spec = {\"a\": 01}\n", "!a ',' or '}' is expected"},
    {"[pci]\ndevice_spec = {\"a\": +1}\n", "!a value is expected"},
    {"[pci]\ndevice_spec = {\"a\": .5}\n", "!a value is expected"},
    {"[pci]\ndevice_spec = {\"a\": 5.}\n", "!a digit is expected"},
    {"[pci]\ndevice_spec = {\"a\": 1e}\n", "!a digit is expected"},
    {"[pci]\ndevice_spec = {\"a\": -}\n", "!a digit is expected"},
    {"[pci]\ndevice_spec = {\"a\": 0x10}\n", "!a ',' or '}' is expected"},
    {"[pci]\ndevice_spec = {/* x */}\n", "!a key in double quotes is expected"},
    {"[pci]\ndevice_spec = {\"a\": \"b}\n", "!a string is not closed"},
    {"[pci]\ndevice_spec = {\"a\": \"b\n  c\"}\n",
     "!:3: cannot read JSON at 'c\"}': a control character"},
    {"[pci]\ndevice_spec = {\"a\": \"b\tc\"}\n", "!a control character"},
    {"[pci]\ndevice_spec = {\"a\": \"\\x41\"}\n", "!an unknown escape"},
    {"[pci]\ndevice_spec = {\"a\": \"\\u00\"}\n", "!four hexadecimal digits"},
    {"[pci]\ndevice_spec = {\"a\": \"\\u0000\"}\n", "!\\u0000 is not allowed"},
    {"[pci]\ndevice_spec = {\"a\": \"\\ud83d\"}\n", "!half a surrogate pair"},
    {"[pci]\ndevice_spec = {\"a\": \"\\ude00\\ud83d\"}\n", "!half a surrogate pair"},
    {"[pci]\ndevice_spec = {\"a\": \"\xff\"}\n", "!a byte that is not UTF-8"},
    {"[pci]\ndevice_spec = {\"a\": \"\xc0\x80\"}\n", "!a byte that is not UTF-8"},
    {"[pci]\ndevice_spec = {\"a\": \"\xed\xa0\x80\"}\n", "!a byte that is not UTF-8"},
    {"[pci]\ndevice_spec = [[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]\n", "!nested too deeply"},
    {"[pci]\ndevice_spec =\n", "!the value is empty"},
    {"[pci]\ndevice_spec = 5\n", "!an object, or an array of objects"},
    {"[pci]\ndevice_spec = null\n", "!an object, or an array of objects"},
    {"[pci]\ndevice_spec = \"x\" \n", "!a value is expected"},
    {"[pci]\ndevice_spec = [[]]\n", "!an object, or an array of objects"},
    {"[pci]\ndevice_spec = [\n  {},\n  {\"a\": b}]\n", "!:4: cannot read JSON at 'b}]'"},
};

/* ---- [vfalias] ---- */
#define SETTING(line) "[vfalias]\n" line "\n"
static const struct text_case bad_settings[] = {
    {SETTING("state = relative"), "!:2: cannot use state 'relative': it is not an absolute path"},
    {SETTING("sysfs_root ="), "!not an absolute path"},
    {SETTING("libvirt_run = run"), "!not an absolute path"},
    {SETTING("log_level = loud"), "!log_level 'loud': it is none of error, warning, info, debug"},
    {SETTING("log_level = Info"), "!log_level"},
    {SETTING("incoming_timeout = 0"), "!incoming_timeout '0': a number of seconds"},
    {SETTING("incoming_timeout = -5"), "!incoming_timeout"},
    {SETTING("incoming_timeout = 5m"), "!incoming_timeout"},
    {SETTING("incoming_timeout = 604801"), "!incoming_timeout"},
    {SETTING("hold = maybe"), "!hold 'maybe': it is neither yes nor no"},
    {SETTING("hold_timeout = 0"), "!hold_timeout '0': a number of seconds"},
    {SETTING("hold_timeout = none"), "!hold_timeout"},
    {SETTING("hold_within = 0"), "!hold_within '0': a number of seconds"},
    {SETTING("clean_timeout = 0"), "!clean_timeout '0': a number of seconds"},
    {SETTING("require_daemon = true"), "!require_daemon 'true': it is neither yes nor no"},
    {SETTING("states = /x"), "!key 'states': section [vfalias] does not have it"},
    {SETTING("State = /x"), "!key 'State'"},
    {SETTING("state = /x\n[pci]\n[VFALIAS]\nstate = /y"), "!:5: 'state' is set twice"},
};

static void test_settings(void)
{
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;

    write_file(path, "");
    CHECK(vfa_config_load(path, &config, NULL) == 0, "");
    CHECK(strcmp(config->state_path, RUNSTATEDIR "/vfalias/state") == 0, "");
    CHECK(strcmp(config->sysfs_root, "/sys") == 0, "");
    CHECK(strcmp(config->libvirt_run, "/run/libvirt/qemu") == 0, "");
    CHECK(strcmp(config->libvirt_uri, "qemu:///system") == 0, "");
    CHECK(config->log_level == LOG_INFO && config->incoming_timeout == 300, "");
    CHECK(config->hold && config->hold_timeout == 30 && config->hold_within == 2, "");
    CHECK(config->clean_timeout == 600, "");
    CHECK(config->require_daemon && !config->device_spec_given && !config->n_warnings, "");
    config = vfa_config_free(config);

    write_file(
        path,
        SETTING(
            "state = /a b\nsysfs_root = '/c'\nlibvirt_run: /d\nlibvirt_uri = "
            "test:///default\nlog_level = debug\nincoming_timeout = 7\n"
            "require_daemon = no\nhold = no\nhold_timeout = 5\nhold_within = 9\nclean_timeout = 8"));
    CHECK(vfa_config_load(path, &config, NULL) == 0, "");
    CHECK(strcmp(config->state_path, "/a b") == 0 && strcmp(config->sysfs_root, "/c") == 0, "");
    CHECK(strcmp(config->libvirt_run, "/d") == 0, "");
    CHECK(strcmp(config->libvirt_uri, "test:///default") == 0, "");
    CHECK(config->log_level == LOG_DEBUG && config->incoming_timeout == 7, "");
    CHECK(!config->require_daemon && !config->hold && config->hold_timeout == 5, "");
    CHECK(config->hold_within == 9 && config->clean_timeout == 8, "");
}

/* No mistake in a file hides the path of the state file. */
static void test_settings_of_a_broken_file(void)
{
    static const char *const broken[] = {
        SETTING("state = /s\nlog_level = loud\nlibvirt_uri = qemu:///x"),
        SETTING("state = /s\nstates = /y\nlibvirt_uri = qemu:///x\n[pci]\nalias = {"),
        SETTING("state = /s\nlibvirt_uri = qemu:///x\nrubbish\nstate = /t"),
    };
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
        write_file(path, broken[i]);
        CHECK(vfa_config_load(path, &config, NULL) == -EINVAL, "%zu", i);
        CHECK(vfa_config_load_settings(path, &config) == 0, "%zu", i);
        CHECK(strcmp(config->state_path, "/s") == 0, "%zu: %s", i, config->state_path);
        CHECK(strcmp(config->libvirt_uri, "qemu:///x") == 0, "%zu: %s", i, config->libvirt_uri);
        CHECK(config->log_level == LOG_INFO && config->n_specs == 0, "%zu", i);
        config = vfa_config_free(config);
    }
    CHECK(vfa_config_load_settings("/nonexistent/x", &config) == 0, "");
    CHECK(strcmp(config->state_path, RUNSTATEDIR "/vfalias/state") == 0, "%s", config->state_path);
}

/* ---- files ---- */

static void test_files(void)
{
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_freep) char *got = NULL;
    char hidden[80];

    snprintf(hidden, sizeof(hidden), "%s/.hidden.conf", conf_d);
    write_file(hidden, "bad");
    write_file(path, "[vfalias]\nstate = /1\nlog_level = error\n[pci]\ndevice_spec = {\"t\": 1}\n");
    write_file(third, "[vfalias]\nstate = /3\n[pci]\npassthrough_whitelist = {\"t\": 3}\n");
    write_file(second, "[vfalias]\nstate = /2\n[pci]\ndevice_spec = {\"t\": 2}\n");
    CHECK(vfa_config_load(path, &config, &err) == 0, "%s", err.msg ? err.msg : "");
    CHECK(config->n_files == 3 && strcmp(config->files[0], path) == 0, "");
    CHECK(strcmp(config->files[1], second) == 0 && strcmp(config->files[2], third) == 0, "");
    CHECK(strcmp(config->state_path, "/3") == 0 && config->log_level == LOG_ERR, "");
    got = dump(config);
    CHECK(strcmp(got, "5 *:* t=1\n4 *:* t=2\n4 *:* t=3\n") == 0, "%s", got);
    CHECK(config->specs[2].where.file == config->files[2], "");
    config = vfa_config_free(config);

    write_file(second, "[pci]\n\ndevice_spec = x\n");
    CHECK(vfa_config_load(path, &config, &err) == -EINVAL, "");
    CHECK(check_has(&err, "/10.conf:3: "), "%s", vfa_error_text(&err));
    unlink(second);
    unlink(third);
    unlink(hidden);
}

static void test_absent(void)
{
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    unlink(path);
    CHECK(vfa_config_load(path, &config, &err) == -ENOENT, "");
    CHECK(check_has(&err, "cannot read '"), "%s", vfa_error_text(&err));
    CHECK(vfa_config_load(path, &config, NULL) == -ENOENT, "without an error to fill");
    CHECK(vfa_config_load(folder, &config, NULL) == -EISDIR, "a folder");
    setenv("VFALIAS_CONFIG", path, 1);
    CHECK(strcmp(vfa_config_path(NULL), path) == 0, "");
    CHECK(strcmp(vfa_config_path("x"), "x") == 0, "");
    CHECK(vfa_config_load(NULL, &config, NULL) == -ENOENT, "from the environment");
    setenv("VFALIAS_CONFIG", "", 1);
    CHECK(strcmp(vfa_config_path(NULL), SYSCONFDIR "/vfalias/vfalias.conf") == 0, "");
    CHECK(config == NULL, "");
}

static void test_nul(void)
{
    FILE *file = fopen(path, "w");
    struct vfa_config *config = NULL;

    CHECK(file && fwrite("[pci]\n\0", 1, 7, file) == 7 && fclose(file) == 0, "");
    CHECK(vfa_config_load(path, &config, NULL) == -EINVAL, "");
}

/* A file of 4 MiB is refused; a file of one byte less is read. */
static void test_large_file(void)
{
    enum { LIMIT = 4 << 20 };
    VFA_AUTO(vfa_freep) char *text = malloc(LIMIT + 1);

    CHECK(text != NULL, "");
    if (!text)
        return;
    memset(text, '\n', LIMIT);
    text[LIMIT] = '\0';
    for (int i = 0; i < 2; i++) {
        VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        int r;

        write_file(path, text + i);
        r = vfa_config_load(path, &config, &err);
        CHECK(r == (i ? 0 : -EFBIG), "%d bytes: %d", LIMIT - i, r);
        CHECK(i || strstr(vfa_error_text(&err), "': File too large"), "%s", vfa_error_text(&err));
    }
}

/* ---- claimable devices ---- */

static void test_claimable(void)
{
    static struct vfa_device devices[] = {
        {.id = "0000:01:00.0",
         .addr = {0, 1, 0, 0},
         .type = VFA_TYPE_PF,
         .vendor = 0x8086,
         .product = 0x1521},
        {.id = "0000:01:10.0",
         .addr = {0, 1, 0x10, 0},
         .parent = {0, 1, 0, 0},
         .type = VFA_TYPE_VF,
         .vendor = 0x8086,
         .product = 0x1520},
        {.id = "10000:01:10.0",
         .addr = {0x10000, 1, 0x10, 0},
         .parent = {0x10000, 1, 0, 0},
         .type = VFA_TYPE_VF,
         .vendor = 0x8086,
         .product = 0x1520},
    };
    static const struct {
        const char *text;
        bool claimable[ARRAY_SIZE(devices)];
    } cases[] = {
        {"", {false, true, false}},
        {SPEC("[]"), {false, false, false}},
        {SPEC("{}"), {true, true, false}},
        {SPEC("{\"product_id\": \"1521\"}"), {true, false, false}},
    };
    const struct vfa_inventory inv = {.devices = devices, .n = ARRAY_SIZE(devices)};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;

        write_file(path, cases[i].text);
        CHECK(vfa_config_load(path, &config, NULL) == 0, "");
        for (size_t j = 0; config && j < ARRAY_SIZE(devices); j++)
            CHECK(vfa_config_claimable(config, &inv, &devices[j]) == cases[i].claimable[j],
                  "case %zu device %zu", i, j);
    }
}

static void test_first_match(void)
{
    static struct vfa_device device = {
        .id = "0000:01:00.0", .addr = {0, 1, 0, 0}, .vendor = 0x8086, .product = 1};
    const struct vfa_inventory inv = {.devices = &device, .n = 1};
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;

    write_file(path, SPEC("[{\"product_id\": \"2\"}, {\"vendor_id\": \"8086\"}, {}]"));
    CHECK(vfa_config_load(path, &config, NULL) == 0, "");
    CHECK(vfa_config_spec_for(config, &inv, &device) == &config->specs[1], "");
    CHECK(vfa_config_alias(config, "x") == NULL, "");
}

/* ---- the digest ---- */

static void digest_of(const char *text, char digest[VFA_CONFIG_DIGEST_SIZE])
{
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;

    write_file(path, text);
    CHECK(vfa_config_load(path, &config, NULL) == 0, "");
    snprintf(digest, VFA_CONFIG_DIGEST_SIZE, "%s", config ? config->digest : "");
}

static void test_digest(void)
{
    static const struct {
        const char *text;
        bool same;
    } cases[] = {
        {"# x\n[pci]\n\ndevice_spec = {}\nalias = {\"name\": \"q\", " IDS "}\n", true},
        {SPEC("{}") "alias = {\"name\": \"q\", " IDS "}\n[vfalias]\nlog_level = debug\n", true},
        {SPEC("{}"), false},
        {SPEC("{}\ndevice_spec = {}") "alias = {\"name\": \"q\", " IDS "}\n", false},
        {SPEC("{\"t\": 1}") "alias = {\"name\": \"q\", " IDS "}\n", false},
        {SPEC("{}") "alias = {\"name\": \"r\", " IDS "}\n", false},
        {SPEC("{}") "alias = {\"name\": \"q\", " IDS "}\n[vfalias]\nsysfs_root = /x\n", false},
    };
    char first[VFA_CONFIG_DIGEST_SIZE], digest[VFA_CONFIG_DIGEST_SIZE];

    digest_of(SPEC("{}") "alias = {\"name\": \"q\", " IDS "}\n", first);
    CHECK(strlen(first) == VFA_CONFIG_DIGEST_SIZE - 1, "%s", first);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        digest_of(cases[i].text, digest);
        CHECK((strcmp(digest, first) == 0) == cases[i].same, "digest %zu", i);
    }
}

int main(void)
{
    make_folder();
    RUN(inis); /* without conf.d */
    mkdir(conf_d, 0755);
    snprintf(second, sizeof(second), "%s/10.conf", conf_d);
    snprintf(third, sizeof(third), "%s/9.conf", conf_d);
    RUN(jsons);
    RUN(bad_settings);
    test_settings();
    test_settings_of_a_broken_file();
    test_files();
    test_absent();
    test_nul();
    test_large_file();
    test_claimable();
    test_first_match();
    test_digest();
    remove_folder();
    return check_result();
}
