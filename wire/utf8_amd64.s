//go:build !purego

#include "textflag.h"

// utf8_vector.go describes the algorithm. Vectors in use:
//
//	Y0 bytes to check	Y9  80 in every byte	Y12 table: high half of the byte before
//	Y1 each one's predecessor	Y10 60 in every byte	Y13 table: low half of the byte before
//	Y2 what is two back	Y11 70 in every byte	Y14 table: high half of the byte
//	Y3 what is three back	Y8  faults so far	Y15 0F in every byte

DATA utf8Bytes<>+0(SB)/4, $0x0F0F0F0F
DATA utf8Bytes<>+4(SB)/4, $0x80808080
DATA utf8Bytes<>+8(SB)/4, $0x60606060
DATA utf8Bytes<>+12(SB)/4, $0x70707070
GLOBL utf8Bytes<>(SB), RODATA|NOPTR, $16

// CHECK adds to Y8 the faults of the bytes in Y0.
//
// Less 60, with saturation, a lead byte of 3 or 4 bytes (E0..FF) keeps the top
// bit; less 70, one of 4 bytes (F0..FF) does. Two and three bytes behind them
// the pair of continuations is not a fault, and its absence is one.
#define CHECK \
	VPSRLW   $4, Y1, Y4    \
	VPAND    Y15, Y4, Y4   \
	VPSHUFB  Y4, Y12, Y4   \
	VPAND    Y15, Y1, Y5   \
	VPSHUFB  Y5, Y13, Y5   \
	VPSRLW   $4, Y0, Y6    \
	VPAND    Y15, Y6, Y6   \
	VPSHUFB  Y6, Y14, Y6   \
	VPAND    Y5, Y4, Y4    \
	VPAND    Y6, Y4, Y4    \
	VPSUBUSB Y10, Y2, Y2   \
	VPSUBUSB Y11, Y3, Y3   \
	VPOR     Y3, Y2, Y2    \
	VPAND    Y9, Y2, Y2    \
	VPXOR    Y2, Y4, Y4    \
	VPOR     Y4, Y8, Y8

// func validUTF8Vector(p *byte, n int, tables *[4][16]uint8) bool
TEXT ·validUTF8Vector(SB), NOSPLIT, $0-25
	MOVQ p+0(FP), SI
	MOVQ n+8(FP), BX
	MOVQ tables+16(FP), DX

	VBROADCASTI128 (DX), Y12
	VBROADCASTI128 16(DX), Y13
	VBROADCASTI128 32(DX), Y14
	VPBROADCASTD   utf8Bytes<>+0(SB), Y15
	VPBROADCASTD   utf8Bytes<>+4(SB), Y9
	VPBROADCASTD   utf8Bytes<>+8(SB), Y10
	VPBROADCASTD   utf8Bytes<>+12(SB), Y11
	VPXOR          Y8, Y8, Y8
	LEAQ           (SI)(BX*1), DI // DI: the end
	CMPQ           BX, $32
	JLT            under_32

	// Zeros, which are ASCII, come before the first vector.
	VMOVDQU    (SI), Y0
	VPMOVMSKB  Y0, AX
	TESTL      AX, AX
	JZ         first_done
	VPERM2I128 $0x08, Y0, Y0, Y7 // 16 zeros and the low half of Y0
	VPALIGNR   $15, Y7, Y0, Y1
	VPALIGNR   $14, Y7, Y0, Y2
	VPALIGNR   $13, Y7, Y0, Y3
	CHECK

first_done:
	ADDQ $32, SI
	SUBQ $32, BX // BX: how many bytes are left

	// 64 bytes at a time. They need no check if they are ASCII and no
	// sequence can run into them, that is, the three bytes before are too.
by_64:
	SUBQ      $64, BX
	JLT       under_64
	VMOVDQU   (SI), Y0
	VMOVDQU   -3(SI), Y3
	VPOR      32(SI), Y0, Y4
	VPOR      Y3, Y4, Y4
	VPMOVMSKB Y4, AX
	TESTL     AX, AX
	JZ        skip_64
	VMOVDQU   -1(SI), Y1
	VMOVDQU   -2(SI), Y2
	CHECK
	VMOVDQU   32(SI), Y0
	VMOVDQU   31(SI), Y1
	VMOVDQU   30(SI), Y2
	VMOVDQU   29(SI), Y3
	CHECK

skip_64:
	ADDQ $64, SI
	JMP  by_64

under_64:
	ADDQ    $64, BX
	CMPQ    BX, $32
	JLT     last
	VMOVDQU (SI), Y0
	VMOVDQU -1(SI), Y1
	VMOVDQU -2(SI), Y2
	VMOVDQU -3(SI), Y3
	CHECK
	SUBQ    $32, BX

	// The rest, together with as many of the bytes before it as make a vector.
last:
	CMPQ    BX, $16
	JLE     last_16
	VMOVDQU -32(DI), Y0
	VMOVDQU -33(DI), Y1
	VMOVDQU -34(DI), Y2
	VMOVDQU -35(DI), Y3
	CHECK
	JMP     ends

	// The upper halves of the vectors are zeros, in which there is no fault.
under_32:
	VMOVDQU (SI), X0
	VPSLLDQ $1, X0, X1
	VPSLLDQ $2, X0, X2
	VPSLLDQ $3, X0, X3
	CHECK

last_16:
	VMOVDQU -16(DI), X0
	VMOVDQU -17(DI), X1
	VMOVDQU -18(DI), X2
	VMOVDQU -19(DI), X3
	CHECK

ends:
	VMOVDQU  -16(DI), X0
	VPSUBUSB 48(DX), X0, X0
	VPOR     Y0, Y8, Y8
	VPTEST   Y8, Y8
	SETEQ    ret+24(FP)
	VZEROUPPER
	RET
