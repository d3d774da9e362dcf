# Serai: the one entrance. `make help` says what there is.
#
# HYPERVISOR=serai|xen   what the image boots on: ours, or Debian's Xen 4.17
# B=/abs/dir             where everything is built (default: build/)
HYPERVISOR ?= serai
B ?= $(CURDIR)/build
export B HYPERVISOR
SUB = +$(MAKE) --no-print-directory B=$(B) HYPERVISOR=$(HYPERVISOR)

help:
	@echo 'make demo        build, boot, sell a VPS, log in to it (QEMU)'
	@echo 'make test        all tests; T=PATTERN for some'
	@echo 'make iso         build/serai.iso, for CD and USB, BIOS and UEFI'
	@echo 'make templates   build/templates/*.tar.zst'
	@echo 'make run         an appliance to play with, on this terminal'
	@echo 'make bench       benchmarks on both hypervisors'
	@echo 'make hypervisor  build/hypervisor.elf alone'
	@echo 'make check       host tests only, no QEMU'
	@echo 'make clean       remove what was built (distclean: downloads too)'
	@echo 'HYPERVISOR=xen or serai chooses what lies beneath (now:' \
		'$(HYPERVISOR))'

deps:
	@ci/install-deps

iso: deps
	$(SUB) -C templates busybox
	$(SUB) -C dom0-image

templates: deps
	$(SUB) -C templates all

hypervisor: deps
	$(SUB) -C hypervisor O=$(B)

demo: deps
	@begin=$$(date +%s); \
	echo '[   0 s] building build/serai.iso (log: build/log/build.log)'; \
	mkdir -p $(B)/log; \
	$(MAKE) --no-print-directory iso >$(B)/log/build.log 2>&1 || \
		{ tail -n 20 $(B)/log/build.log; \
		echo 'FAILED at: build (log: $(B)/log/build.log)'; exit 1; }; \
	DEMO_BEGIN=$$begin ci/demo

run: iso
	ci/interactive

test: iso templates
	ci/run-tests '$(T)'

check: deps
	ci/run-tests /test/run

bench: iso templates
	ci/bench

clean:
	@for d in $(B)/*; do [ "$$d" = $(B)/cache ] || rm -rf "$$d"; done
	rm -f $(B)/.hypervisor-*

distclean:
	rm -rf $(B)

.PHONY: help deps iso templates hypervisor demo run test check bench clean \
	distclean
