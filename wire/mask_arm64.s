//go:build !purego

#include "textflag.h"

// The last vector of the payload is read and masked before anything is
// written, and written at the very end; what lies before it may overlap it. So
// there are no odd bytes to treat one by one, and dst may be src.
//
//	R0 dst, the next to write	R2 bytes between R0 and R6
//	R1 src, the next to read	R6 where the last vector is written

// func maskVector(dst, src *byte, n int, key uint32)
TEXT ·maskVector(SB), NOSPLIT, $0-28
	MOVD  dst+0(FP), R0
	MOVD  src+8(FP), R1
	MOVD  n+16(FP), R2
	MOVWU key+24(FP), R3

	VDUP R3, V0.S4
	LSL  $3, R2, R4
	RORW R4, R3, R3               // n-16 = n modulo 4
	VDUP R3, V1.S4
	SUB  $16, R2, R2
	ADD  R1, R2, R5
	ADD  R0, R2, R6
	VLD1 (R5), [V2.B16]
	VEOR V1.B16, V2.B16, V1.B16   // V1: the last vector

by_64:
	SUBS   $64, R2, R2
	BLT    under_64
	VLD1.P 64(R1), [V2.B16, V3.B16, V4.B16, V5.B16]
	VEOR   V0.B16, V2.B16, V2.B16
	VEOR   V0.B16, V3.B16, V3.B16
	VEOR   V0.B16, V4.B16, V4.B16
	VEOR   V0.B16, V5.B16, V5.B16
	VST1.P [V2.B16, V3.B16, V4.B16, V5.B16], 64(R0)
	B      by_64

under_64:
	ADD $64, R2, R2

by_16:
	CMP    $0, R2
	BLE    end
	VLD1.P 16(R1), [V2.B16]
	VEOR   V0.B16, V2.B16, V2.B16
	VST1.P [V2.B16], 16(R0)
	SUB    $16, R2, R2
	B      by_16

end:
	VST1 [V1.B16], (R6)
	RET
