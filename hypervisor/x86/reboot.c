/*
 * reboot.c - see reboot.h.
 *
 * Power-off is dom0's ACPI: its interpreter knows the values of \_S5, we
 * write them (platform_op enter_acpi_sleep).  ACPI 6.4 sections 4.8.3.6
 * (reset), 4.8.3.2.1 (PM1 control), 4.8.3.7 (sleep control).
 */
#include "x86/reboot.h"
#include "include/abi.h"
#include "include/errno.h"
#include "include/log.h"
#include "include/port.h"
#include "x86/acpi.h"
#include "x86/insn.h"
#include "x86/mmio.h"
#include "x86/pci.h"
#include "x86/smp.h"
#include "x86/time.h"
#include "x86/uart.h"

#define SLEEP_ENABLE	 0x2000 /* PM1 control */
#define SLEEP_ENABLE_REG 0x20	/* sleep control register */
#define WAIT_US		 500000

bool machine_noreboot;
bool machine_stopping;

static bool gas_write(const struct acpi_gas *g, uint32_t v)
{
	volatile void *p;

	if (!g->addr) {
		return false;
	}
	switch (g->space) {
	case ACPI_SPACE_IO:
		if (g->bits <= 8) {
			outb((uint16_t)g->addr, (uint8_t)v);
		} else {
			outw((uint16_t)g->addr, (uint16_t)v);
		}
		return true;
	case ACPI_SPACE_MEM:
		p = mmio_map(g->addr, 4);
		if (p && g->bits <= 8) {
			*(volatile uint8_t *)p = (uint8_t)v;
		} else if (p) {
			*(volatile uint16_t *)p = (uint16_t)v;
		}
		return p;
	case ACPI_SPACE_PCI: { /* device, function and offset in one word */
		struct pci_addr a = { .devfn = (uint8_t)(
			((g->addr >> 32) & 31) << 3 |
			((g->addr >> 16) & 7)) };

		pci_write(a, g->addr & 0xfff, 1, v);
		return true;
	}
	default:
		return false;
	}
}

static void reset_by_keyboard(void)
{
	for (unsigned int i = 0; i < 10; i++) {
		for (unsigned int j = 0; j < 10000 && (inb(0x64) & 2); j++) {
			cpu_pause();
		}
		outb(0x64, 0xfe);
		time_delay_us(50);
	}
}

/* Without a table to go to any exception ends in a shutdown cycle. */
static void triple_fault(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __packed none = { 0, 0 };

	__asm__ volatile("lidt %0; int3" : : "m"(none));
}

void machine_reboot(void)
{
	uart_flush();
	if (gas_write(&machine_acpi.reset, machine_acpi.reset_value)) {
		time_delay_us(WAIT_US);
	}
	outb(0xcf9, 0x02);
	time_delay_us(50);
	outb(0xcf9, 0x06);
	time_delay_us(WAIT_US);
	reset_by_keyboard();
	time_delay_us(WAIT_US);
	triple_fault();
	machine_halt();
}

void machine_halt(void)
{
	printk("The machine stops here.\n");
	uart_flush();
	WRITE_ONCE(machine_stopping, true);
	smp_send_nmi_others();
	for (;;) {
		cpu_cli();
		cpu_hlt();
	}
}

/* The last message shall stay on the screen if the operator wants it. */
static void __noreturn reboot_or_halt(void)
{
	if (machine_noreboot) {
		printk("Not rebooting: `noreboot` was given\n");
		machine_halt();
	}
	machine_reboot();
}

void port_machine_off(unsigned int reason)
{
	switch (reason) {
	case SHUTDOWN_reboot:
		printk("dom0 asks for a reboot\n");
		machine_reboot();
	case SHUTDOWN_poweroff:
		printk("dom0 has halted: the machine stops\n");
		machine_halt();
	case SHUTDOWN_watchdog:
		printk("dom0's watchdog has run out: rebooting\n");
		reboot_or_halt();
	default:
		printk("dom0 has crashed (reason %u): rebooting\n", reason);
		reboot_or_halt();
	}
}

/* Typ first, then with the enable bit: some chipsets need two writes. */
static int pm1_sleep(uint16_t val_a, uint16_t val_b)
{
	if (!gas_write(&machine_acpi.pm1a_cnt,
		       val_a & (uint16_t)~SLEEP_ENABLE)) {
		return -EIO;
	}
	gas_write(&machine_acpi.pm1b_cnt, val_b & (uint16_t)~SLEEP_ENABLE);
	gas_write(&machine_acpi.pm1a_cnt, val_a | SLEEP_ENABLE);
	gas_write(&machine_acpi.pm1b_cnt, val_b | SLEEP_ENABLE);
	return 0;
}

int port_acpi_sleep(unsigned int state, uint16_t val_a, uint16_t val_b,
		    bool extended)
{
	int rc = 0;

	/* Waking up again is not supported: power-off only. */
	if (state != 5) {
		return -EINVAL;
	}
	printk("ACPI S5: power off\n");
	uart_flush();
	if (extended) {
		rc = gas_write(&machine_acpi.sleep_control,
			       val_a | SLEEP_ENABLE_REG) ?
			     0 :
			     -EIO;
	} else {
		rc = pm1_sleep(val_a, val_b);
	}
	if (rc) {
		return rc;
	}
	time_delay_us(4 * WAIT_US);
	printk("The power does not go off: halting\n");
	machine_halt();
}
