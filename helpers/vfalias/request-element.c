/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See request-element.h. */

#include "request-element.h"

#include "base/common.h"
#include "base/error.h"
#include "base/mac.h"
#include "base/parse.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "domain/domxml.h"
#include "cmd.h"
#include "connect.h"

#include <errno.h>
#include <string.h>

enum {
    VLAN_MAX = 4094, /* 4095 is reserved; 0 means no VLAN to the kernel */
};

const char *vfa_request_element_option(const struct vfa_request_element *element)
{
    static const char *const names[VFA_VF_SETTINGS] = {
        [VFA_VF_TRUST] = "trust",
        [VFA_VF_SPOOFCHK] = "spoofchk",
        [VFA_VF_LINK_STATE] = "link-state",
        [VFA_VF_MIN_TX_RATE] = "min-tx-rate",
        [VFA_VF_MAX_TX_RATE] = "max-tx-rate",
        [VFA_VF_QUERY_RSS] = "query-rss",
        [VFA_VF_MTU] = "mtu",
        [VFA_VF_VLAN] = "vlan",
        [VFA_VF_VLAN_QOS] = "vlan-qos",
        [VFA_VF_VLAN_PROTO] = "vlan-proto",
    };

    if (element->mac_text || element->profileid || element->persistent)
        return element->mac_text ? "mac" : element->profileid ? "profileid" : "teaming";
    for (unsigned i = 0; i < VFA_VF_SETTINGS; i++) {
        if (element->setting_texts[i])
            return names[i];
    }
    return NULL;
}

/* An interface for a VF that the alias attaches as hostdev replaces what the alias says. The aliases
 * of a chain (any_of) may differ: the request is checked for the one that is chosen. */
static int check_interface_options(const struct vfa_request_element *element,
                                   const struct vfa_alias *alias)
{
    const struct vfa_attach_facts *facts = alias ? vfa_attach_facts(alias->attach) : NULL;
    bool vf = facts && facts->types & 1u << VFA_TYPE_VF;
    const char *option = element->mac_text         ? "mac"
                         : element->persistent     ? "teaming"
                         : element->profileid      ? "profileid"
                         : element->interface.vlan ? "vlan"
                                                   : NULL;

    if (!option || !alias || alias->any_of || vf)
        return VFA_CMD_FINE;
    if (!facts->nic)
        return vfa_cmd_fail_usage(
            "request add: --%s: alias '%s' attaches %s, which is no network interface", option,
            alias->name, facts->name);
    if (element->interface.vlan && !facts->takes_vlan)
        return vfa_cmd_fail_usage(
            "request add: --vlan: alias '%s' attaches %s, which cannot have a VLAN", alias->name,
            facts->name);
    if (element->profileid)
        return vfa_cmd_fail_usage(
            "request add: --profileid: alias '%s' attaches %s, and only a VF can have a port profile",
            alias->name, facts->name);
    return VFA_CMD_FINE;
}

static int read_mac_option(struct vfa_request_element *element)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    if (!element->mac_text)
        return VFA_CMD_FINE;
    if (vfa_mac_parse(element->mac_text, element->mac, &err) < 0)
        return vfa_cmd_fail_usage("request add: --mac: %s", vfa_error_text(&err));
    element->interface.mac = element->mac;
    return VFA_CMD_FINE;
}

static int read_vlan_option(struct vfa_request_element *element)
{
    const char *text = element->setting_texts[VFA_VF_VLAN];
    uint32_t vlan = 0;

    if (text && (vfa_parse_u32(text, VLAN_MAX, &vlan) < 0 || vlan == 0))
        return vfa_cmd_fail_usage("request add: vlan '%s' is not in 1 to %d", text, VLAN_MAX);
    if (element->setting_texts[VFA_VF_VLAN_QOS] || element->setting_texts[VFA_VF_VLAN_PROTO])
        return VFA_CMD_FINE; /* libvirt's <vlan> has neither: all three become settings */
    element->interface.vlan = vlan;
    element->setting_texts[VFA_VF_VLAN] = NULL;
    return VFA_CMD_FINE;
}

static bool is_switch(unsigned setting)
{
    return setting == VFA_VF_TRUST || setting == VFA_VF_SPOOFCHK || setting == VFA_VF_QUERY_RSS;
}

/* Accepts on and off, as ip-link(8), and yes and no, as in XML. */
static const char *xml_value(unsigned setting, const char *text)
{
    if (!is_switch(setting))
        return text;
    return strcmp(text, "on") == 0 ? "yes" : strcmp(text, "off") == 0 ? "no" : text;
}

static int check_switches(const struct vfa_request_element *element)
{
    for (unsigned i = 0; i < VFA_VF_SETTINGS; i++) {
        const char *text = is_switch(i) ? element->setting_texts[i] : NULL;

        if (text && strcmp(xml_value(i, text), "yes") != 0 && strcmp(xml_value(i, text), "no") != 0)
            return vfa_cmd_fail_usage("request add: %s '%s' is neither on nor off",
                                      vfa_vf_setting_name((enum vfa_vf_setting)i), text);
    }
    return VFA_CMD_FINE;
}

static int refuse_settings(const struct vfa_request_element *element, const struct vfa_alias *alias)
{
    const struct vfa_attach_facts *facts = alias ? vfa_attach_facts(alias->attach) : NULL;

    for (unsigned i = 0; facts && !alias->any_of && i < VFA_VF_SETTINGS; i++) {
        if (element->setting_texts[i] && !(facts->types & 1u << VFA_TYPE_VF))
            return vfa_cmd_fail_usage(
                "request add: %s: alias '%s' attaches %s, and only a VF has settings",
                vfa_vf_setting_name((enum vfa_vf_setting)i), alias->name, facts->name);
    }
    return VFA_CMD_FINE;
}

/* The settings are checked together with the settings of the alias, which they override. */
static int read_setting_options(struct vfa_request_element *element, const struct vfa_alias *alias)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_vf_settings all = alias ? alias->settings : (struct vfa_vf_settings){0};
    int r = refuse_settings(element, alias);

    if (r == VFA_CMD_FINE)
        r = check_switches(element);
    if (r != VFA_CMD_FINE)
        return r;
    for (unsigned i = 0; i < VFA_VF_SETTINGS && r == 0; i++) {
        if (element->setting_texts[i])
            r = vfa_vf_settings_parse(&element->settings,
                                      vfa_vf_setting_name((enum vfa_vf_setting)i),
                                      xml_value(i, element->setting_texts[i]), &err);
    }
    vfa_vf_settings_merge(&all, &element->settings);
    if (r == 0)
        r = vfa_vf_settings_check(&all, &err);
    return r < 0 ? vfa_cmd_fail_usage("request add: %s", vfa_error_text(&err)) : VFA_CMD_FINE;
}

static int read_profileid_option(struct vfa_request_element *element, const struct vfa_alias *alias)
{
    const char *id = element->profileid;
    bool vlan = element->setting_texts[VFA_VF_VLAN] || element->interface.vlan;

    if (id && (!*id || strlen(id) > VFA_PROFILEID_MAX))
        return vfa_cmd_fail_usage("request add: profileid '%.60s': 1 to %d characters are wanted",
                                  id, VFA_PROFILEID_MAX);
    if (id && vlan)
        return vfa_cmd_fail_usage(
            "request add: --vlan and --profileid: with a port profile, the switch sets the VLAN");
    if (!id && vlan && alias && alias->profileid)
        return vfa_cmd_fail_usage(
            "request add: --vlan: alias '%s' has a profileid, and with a port profile the switch sets the VLAN",
            alias->name);
    element->interface.profileid = id;
    return VFA_CMD_FINE;
}

static int read_teaming_option(struct vfa_request_element *element, const struct vfa_alias *alias)
{
    if (!element->persistent)
        return VFA_CMD_FINE;
    if (alias && !alias->any_of && !vfa_attach_facts(alias->attach)->can_team)
        return vfa_cmd_fail_usage(
            "request add: --teaming: alias '%s' attaches %s, and only a VF itself can be teamed",
            alias->name, vfa_attach_facts(alias->attach)->name);
    element->interface.persistent = element->persistent;
    return VFA_CMD_FINE;
}

static enum vfa_attach_kind kind_of_interface(const struct vfa_alias *alias)
{
    if (alias && alias->any_of)
        return VFA_ATTACH_KINDS;
    return alias && vfa_attach_facts(alias->attach)->nic ? alias->attach : VFA_ATTACH_INTERFACE;
}

int vfa_request_element_read(struct vfa_request_element *element, const struct vfa_alias *alias,
                             uint32_t count)
{
    int status;

    if (count > 1 && (element->mac_text || element->persistent))
        return vfa_cmd_fail_usage(
            "request add: --%s is for one device: two devices cannot have the same MAC address",
            element->mac_text ? "mac" : "teaming");
    element->interface.kind = kind_of_interface(alias);
    status = read_mac_option(element);
    if (status == VFA_CMD_FINE)
        status = read_vlan_option(element);
    if (status == VFA_CMD_FINE)
        status = check_interface_options(element, alias);
    if (status == VFA_CMD_FINE)
        status = read_profileid_option(element, alias);
    if (status == VFA_CMD_FINE)
        status = read_teaming_option(element, alias);
    element->has_interface =
        element->mac_text || element->interface.vlan || element->profileid || element->persistent;
    return status == VFA_CMD_FINE ? read_setting_options(element, alias) : status;
}

int vfa_request_element_pair(struct vfa_request_element *element, virDomainPtr domain,
                             unsigned affect, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *xml = NULL;
    char mac[VFA_MAC_SIZE];
    int r;

    if (!element->persistent)
        return 0;
    r = vfa_connect_xml(domain, affect, &xml, err);
    if (r == 0)
        r = vfa_domxml_persistent_mac(xml, strlen(xml), element->persistent, mac, err);
    if (r < 0)
        return r;
    if (element->interface.mac && strcmp(element->interface.mac, mac) != 0)
        return vfa_fail(
            err, EINVAL,
            "its interface '%s' has the MAC address %s: a teaming pair needs the same one, not %s",
            element->persistent, mac, element->interface.mac);
    memcpy(element->mac, mac, sizeof(mac));
    element->interface.mac = element->mac;
    return 0;
}
