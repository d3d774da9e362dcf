/* rtc.c - the battery-backed clock (MC146818).  UTC is assumed. */
#include "x86/acpi.h"
#include "x86/insn.h"
#include "x86/time.h"

#define RTC_STATUS_A 10
#define RTC_STATUS_B 11
#define UPDATING     0x80
#define BINARY	     0x04
#define HOUR_24	     0x02
#define PM	     0x80
#define TRIES	     20000

static uint8_t cmos(uint8_t index)
{
	outb(0x70, index);
	return inb(0x71);
}

struct reading {
	uint8_t sec, min, hour, day, month, year, century;
};

static struct reading read_once(void)
{
	struct reading r = {
		.sec = cmos(0), .min = cmos(2), .hour = cmos(4),
		.day = cmos(7), .month = cmos(8), .year = cmos(9),
		.century = machine_acpi.century ? cmos(machine_acpi.century) :
						  0,
	};

	return r;
}

static unsigned int number(uint8_t v, bool binary)
{
	return binary ? v : (v >> 4) * 10u + (v & 15);
}

/* Twice the same outside an update: whole. */
static bool read_stable(struct reading *r)
{
	for (unsigned int i = 0; i < TRIES; i++) {
		struct reading again;

		if (cmos(RTC_STATUS_A) & UPDATING) {
			continue;
		}
		*r = read_once();
		again = read_once();
		if (r->sec == again.sec && r->min == again.min &&
		    r->hour == again.hour && r->day == again.day) {
			return true;
		}
	}
	return false;
}

uint64_t rtc_read_ns(void)
{
	struct reading r;
	uint8_t b = cmos(RTC_STATUS_B);
	bool binary = b & BINARY;
	unsigned int year, hour;

	if (!read_stable(&r)) {
		return 0;
	}
	hour = number(r.hour & (b & HOUR_24 ? 0xff : 0x7f), binary);
	if (!(b & HOUR_24)) {
		hour = hour % 12 + (r.hour & PM ? 12 : 0);
	}
	year = number(r.year, binary);
	if (r.century) {
		year += number(r.century, binary) * 100;
	}
	if (year < 1970) { /* no century, or a wrong one */
		year = year % 100 + (year % 100 < 70 ? 2000 : 1900);
	}
	if (number(r.month, binary) - 1 > 11 || number(r.day, binary) - 1 > 30 ||
	    hour > 23 || number(r.min, binary) > 59) {
		return 0;
	}
	return scale_date(year, number(r.month, binary), number(r.day, binary),
			  hour, number(r.min, binary), number(r.sec, binary)) *
	       1000000000ULL;
}
