# hands.mk - what provisioning/Makefile needs to know of disks and network.

HANDS_SRC := tool.c net.c net_rules.c ext.c ext_tar.c disk.c disk_file.c \
	disk_lvm.c disk_import.c disk_template.c disk_manifest.c \
	disk_customize.c
HANDS_CFLAGS :=
HANDS_LIBS := -lext2fs -lcom_err -larchive

# Programs that libxl runs, to /usr/lib/serai.
HANDS_SCRIPTS := hotplug/vif-serai hotplug/block-serai
