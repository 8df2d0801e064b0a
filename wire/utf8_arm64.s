//go:build !purego

#include "textflag.h"

// utf8_vector.go describes the algorithm. Vectors in use:
//
//	V0 bytes to check	V16 table: high half of the byte before
//	V1 each one's predecessor	V17 table: low half of the byte before
//	V2 what is two back	V18 table: high half of the byte
//	V3 what is three back	V19 what the last 16 bytes may be at most
//	V8 faults so far	V20 0F, V21 E0, V22 F0, V23 80 in every byte

// LOAD reads into V0 the 16 bytes at p, and into V1, V2, V3 those one, two and
// three bytes before.
#define LOAD(p) \
	VLD1 (p), [V0.B16]  \
	SUB  $1, p, R7      \
	VLD1 (R7), [V1.B16] \
	SUB  $2, p, R7      \
	VLD1 (R7), [V2.B16] \
	SUB  $3, p, R7      \
	VLD1 (R7), [V3.B16]

// CHECK adds to V8 the faults of the bytes in V0.
//
// Two bytes behind the lead of 3 or 4 bytes (E0..FF), and three behind one of
// 4 bytes (F0..FF), the pair of continuations is not a fault, and its absence
// is one.
#define CHECK \
	VUSHR $4, V1.B16, V4.B16            \
	VTBL  V4.B16, [V16.B16], V4.B16     \
	VAND  V20.B16, V1.B16, V5.B16       \
	VTBL  V5.B16, [V17.B16], V5.B16     \
	VUSHR $4, V0.B16, V6.B16            \
	VTBL  V6.B16, [V18.B16], V6.B16     \
	VAND  V5.B16, V4.B16, V4.B16        \
	VAND  V6.B16, V4.B16, V4.B16        \
	VAND  V21.B16, V2.B16, V2.B16       \
	VCMEQ V21.B16, V2.B16, V2.B16       \
	VAND  V22.B16, V3.B16, V3.B16       \
	VCMEQ V22.B16, V3.B16, V3.B16       \
	VORR  V3.B16, V2.B16, V2.B16        \
	VAND  V23.B16, V2.B16, V2.B16       \
	VEOR  V2.B16, V4.B16, V4.B16        \
	VORR  V4.B16, V8.B16, V8.B16

// func validUTF8Vector(p *byte, n int, tables *[4][16]uint8) bool
TEXT ·validUTF8Vector(SB), NOSPLIT, $0-25
	MOVD p+0(FP), R0
	MOVD n+8(FP), R1
	MOVD tables+16(FP), R2

	VLD1  (R2), [V16.B16, V17.B16, V18.B16, V19.B16]
	VMOVI $0x0F, V20.B16
	VMOVI $0xE0, V21.B16
	VMOVI $0xF0, V22.B16
	VMOVI $0x80, V23.B16
	ADD   R0, R1, R3
	SUB   $16, R3, R3         // R3: where the last vector begins

	// Zeros, which are ASCII, come before the first vector.
	VEOR V8.B16, V8.B16, V8.B16
	VLD1 (R0), [V0.B16]
	VEXT $15, V0.B16, V8.B16, V1.B16
	VEXT $14, V0.B16, V8.B16, V2.B16
	VEXT $13, V0.B16, V8.B16, V3.B16
	CHECK
	ADD  $16, R0, R0
	SUB  $16, R1, R1          // R1: how many bytes are left

	// 64 bytes at a time. They need no check if they are ASCII and no
	// sequence can run into them, that is, the three bytes before are too.
by_64:
	SUBS $64, R1, R1
	BLT  under_64
	VLD1 (R0), [V24.B16, V25.B16, V26.B16, V27.B16]
	SUB  $3, R0, R7
	VLD1 (R7), [V3.B16]
	VORR V24.B16, V25.B16, V24.B16
	VORR V26.B16, V27.B16, V26.B16
	VORR V24.B16, V26.B16, V24.B16
	VORR V24.B16, V3.B16, V24.B16
	VMOV V24.D[0], R5
	VMOV V24.D[1], R6
	ORR  R5, R6, R5
	TST  $0x8080808080808080, R5
	BEQ  skip_64
	LOAD(R0)
	CHECK
	ADD  $16, R0, R4
	LOAD(R4)
	CHECK
	ADD  $32, R0, R4
	LOAD(R4)
	CHECK
	ADD  $48, R0, R4
	LOAD(R4)
	CHECK

skip_64:
	ADD $64, R0, R0
	B   by_64

under_64:
	ADD $64, R1, R1

by_16:
	SUBS $16, R1, R1
	BLT  last
	LOAD(R0)
	CHECK
	ADD  $16, R0, R0
	B    by_16

	// The rest, together with as many of the bytes before it as make a vector.
last:
	LOAD(R3)
	CHECK
	VUMAX V19.B16, V0.B16, V0.B16
	VEOR  V19.B16, V0.B16, V0.B16
	VORR  V0.B16, V8.B16, V8.B16
	VMOV  V8.D[0], R5
	VMOV  V8.D[1], R6
	ORR   R5, R6, R5
	CMP   $0, R5
	CSET  EQ, R5
	MOVB  R5, ret+24(FP)
	RET
