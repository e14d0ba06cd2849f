#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domain XML of the lab's guests.

    lab-guest NAME [--machine pc] [--memory MIB] [--uuid UUID] [--metadata XML] [--firmware-only] [--type qemu] [DEVICE-XML…]

In a lab host this is the command `lab-guest`; on the test side it is the module `guestxml`. Devices and
controllers are taken as they are written. The guest's console is a pty (`virsh console`, `virsh ttyconsole`) and
is also written to /lab/console/NAME, see guest/init for what it says.
"""
import argparse
from xml.sax.saxutils import escape

# pci=noearly: without it Linux looks for an AGP bridge on all buses, 2 s here
KERNEL = """<kernel>/lab/vmlinuz</kernel><initrd>/lab/guest-initrd</initrd>
    <cmdline>console=ttyS0 quiet mitigations=off nokaslr no_timer_check tsc=reliable pci=noearly</cmdline>"""

SHARED = "<iothreads>1</iothreads><memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"


def console(name):
    """The file in the lab host that a guest's serial console is written to."""
    return f"/lab/console/{name}"


def hostdev(address, alias=None, extra=""):
    """A managed PCI hostdev for a host address such as 0000:01:10.0."""
    domain, bus, rest = address.split(":")
    slot, function = rest.split(".")
    name = f"<alias name='{alias}'/>" if alias else ""
    return (
        "<hostdev mode='subsystem' type='pci' managed='yes'><source>"
        f"<address domain='0x{domain}' bus='0x{bus}' slot='0x{slot}' function='0x{function}'/>"
        f"</source>{name}{extra}</hostdev>"
    )


def guest_xml(name, devices="", metadata="", machine="q35", memory=128, uuid=None, kernel=True, kind="kvm", ports=4,
              shared=False):
    """Domain XML. devices and metadata: XML text; kernel=False: firmware only; ports: free root ports on q35; shared: what a
    vDPA disk needs, shared memory and the I/O thread 1 (without an I/O thread, QEMU's main loop is busy all the time)."""
    if machine == "q35":
        devices = "<controller type='pci' model='pcie-root-port'/>" * ports + devices
        if ports:
            devices = "<controller type='pci' index='0' model='pcie-root'/>" + devices
    return f"""<domain type='{kind}'>
  <name>{escape(name)}</name>{f"<uuid>{uuid}</uuid>" if uuid else ""}
  {f"<metadata>{metadata}</metadata>" if metadata else ""}
  <memory unit='MiB'>{memory}</memory><vcpu>1</vcpu>{SHARED if shared else ""}
  <os><type arch='x86_64' machine='{machine}'>hvm</type>{KERNEL if kernel else ""}</os>
  <features><acpi/></features><cpu mode='custom' match='exact'><model>qemu64</model></cpu>
  <on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <serial type='pty'><log file='{console(name)}' append='off'/><target port='0'/></serial>
    <memballoon model='none'/><controller type='usb' model='none'/>
    {devices}
  </devices>
</domain>
"""


def main():
    parser = argparse.ArgumentParser(prog="lab-guest", description="Domain XML of a guest of the lab.")
    parser.add_argument("name")
    parser.add_argument("devices", nargs="*", help="XML of devices and controllers; ADDRESS for a managed hostdev")
    parser.add_argument("--machine", default="q35", choices=["q35", "pc"])
    parser.add_argument("--memory", default=128, type=int, help="MiB")
    parser.add_argument("--ports", default=4, type=int, help="free root ports (q35)")
    parser.add_argument("--uuid")
    parser.add_argument("--metadata", default="", help="XML inside <metadata>")
    parser.add_argument("--firmware-only", action="store_true", help="no kernel")
    parser.add_argument("--type", default="kvm", choices=["kvm", "qemu"])
    args = parser.parse_args()
    devices = "".join(d if d.lstrip().startswith("<") else hostdev(d) for d in args.devices)
    print(guest_xml(args.name, devices, args.metadata, args.machine, args.memory, args.uuid,
                    not args.firmware_only, args.type, args.ports), end="")


if __name__ == "__main__":
    main()
