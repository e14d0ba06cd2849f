# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domain XML of small guests that run firmware only."""

NAMESPACE = "urn:vfalias:1"


def requests(*aliases, **attributes):
    """A <requests> with one request for each alias, as domain XML has it."""
    more = "".join(' %s="%s"' % item for item in attributes.items())
    inner = "".join('<v:request alias="%s"%s/>' % (alias, more) for alias in aliases)
    return '<v:requests xmlns:v="%s">%s</v:requests>' % (NAMESPACE, inner)


def guest(name, *aliases, machine="pc", metadata="", devices="", uuid=None):
    """A domain with requests for the aliases. A pc has free slots for hot-plug, a q35 needs ports."""
    if aliases:
        metadata += requests(*aliases)
    return """<domain type='qemu'>
  <name>%s</name>%s
  <metadata>%s</metadata>
  <memory unit='MiB'>16</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='%s'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    %s
    <memballoon model='none'/>
  </devices>
</domain>""" % (name, "<uuid>%s</uuid>" % uuid if uuid else "", metadata, machine, devices)


def hostdev(address, alias=None):
    domain, bus, rest = address.split(":")
    slot, function = rest.split(".")
    return """<hostdev mode='subsystem' type='pci' managed='yes'>
      <source><address domain='0x%s' bus='0x%s' slot='0x%s' function='0x%s'/></source>%s
    </hostdev>""" % (domain, bus, slot, function,
                     "<alias name='%s'/>" % alias if alias else "")


def ports(count):
    """Empty root ports of a q35."""
    return "<controller type='pci' model='pcie-root'/>" + "".join(
        "<controller type='pci' index='%d' model='pcie-root-port'/>" % (number + 1)
        for number in range(count))
