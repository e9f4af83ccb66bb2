/* Cookies of every length up to one octet more than the longest, beginning anywhere: the option ends where the array ends. */
#include "dns/cookie.h"

#include "__fc_builtin.h"

enum { LENGTHS = 42 };

static char octets[LENGTHS], address[16];
static struct cookie_secrets secrets;
static uint8_t made[COOKIE_OCTETS];

int main(void)
{
	Frama_C_make_unknown(octets, sizeof octets);
	Frama_C_make_unknown(address, sizeof address);
	Frama_C_make_unknown((char *)&secrets.secret, sizeof secrets.secret);
	uint32_t now = (uint32_t)Frama_C_unsigned_int_interval(0, 0xffffffff);
	unsigned sum = 0;
	//@ loop unroll LENGTHS;
	for (size_t length = 0; length < LENGTHS; length++)
		sum += siphash_2_4(secrets.secret[0], octets + LENGTHS - length, length) & 1;
	//@ loop unroll 2;
	for (size_t version = 0; version < 2; version++) {
		struct view client = { address, version ? 16 : 4 };
		//@ loop unroll 4;
		for (secrets.count = 0; secrets.count <= sizeof secrets.secret / sizeof secrets.secret[0];
			secrets.count++) {
			//@ loop unroll LENGTHS;
			for (size_t length = 0; length < LENGTHS; length++) {
				struct view option = { octets + LENGTHS - length, length };
				sum += cookie_check(&secrets, option, client, now);
			}
		}
		struct view option = { octets + LENGTHS - COOKIE_CLIENT_OCTETS, COOKIE_CLIENT_OCTETS };
		cookie_make(&secrets, option, client, now, made);
		sum += made[COOKIE_OCTETS - 1];
	}
	return sum % 2;
}
