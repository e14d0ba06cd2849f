/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domain XML for the tests of lib/domain, put together by macros. */
#ifndef VFA_DOMXML_CASE_H
#define VFA_DOMXML_CASE_H

#define UUID "11111111-2222-3333-4444-555555555555"
#define HEAD "<domain type='kvm'><name>d</name><uuid>" UUID "</uuid>"
#define META(inner)                                                                                \
    "<metadata><vfalias:requests xmlns:vfalias='urn:vfalias:1'>" inner                             \
    "</vfalias:requests></metadata>"
#define ROOT    "<controller type='pci' index='0' model='pcie-root'/>"
#define PORT(i) "<controller type='pci' index='" #i "' model='pcie-root-port'/>"
#define SLOT(i, name)                                                                              \
    "<controller type='pci' index='" #i "' model='pcie-root-port'><alias name='ua-slot-" name      \
    "'/></controller>"
#define ON(bus)                                                                                    \
    "<controller type='usb'><address type='pci' domain='0' bus='" bus "' slot='0'/></controller>"
#define DOM(meta, devices) HEAD meta "<devices>" devices "</devices></domain>"

#endif
