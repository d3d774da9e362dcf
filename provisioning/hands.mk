# hands.mk - what provisioning/Makefile needs to know of disks and network.

HANDS_SRC := tool.c net.c net_rules.c ext.c ext_tar.c disk.c disk_file.c \
	disk_lvm.c disk_import.c disk_template.c disk_manifest.c \
	disk_customize.c
HANDS_CFLAGS :=
# libarchive.so brings libxml2 and 30 MB of ICU for formats that no template
# has; linked statically, vpsd takes its tar and zstd readers and no more.
HANDS_LIBS := -lext2fs -lcom_err -l:libarchive.a -lzstd

# Programs that libxl runs, to /usr/lib/serai.
HANDS_SCRIPTS := hotplug/vif-serai hotplug/block-serai
