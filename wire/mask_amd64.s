//go:build !purego

#include "textflag.h"

// AVX2 and SSE2 go the same way. The first and the last vector of the payload are
// read and masked before anything is written, and written at the very end;
// what lies between them is masked at aligned addresses of dst, and may
// overlap either. So there are no odd bytes to treat one by one, no store
// straddles two cache lines, and dst may be src.
//
// A vector that begins i bytes into the payload takes the key rotated right by
// 8*i bits; the rotation looks only at i modulo 4.
//
//	DI dst, the next to write	R8 where the last vector is written
//	SI src, the next to read	R9 where the first vector is written
//	BX bytes between DI and R8	AX key

// func maskVector(dst, src *byte, n int, key uint32, avx2 bool)
TEXT ·maskVector(SB), NOSPLIT, $0-29
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), BX
	MOVL key+24(FP), AX
	CMPB avx2+28(FP), $0
	JEQ  sse2

	VMOVD        AX, X0
	VPBROADCASTD X0, Y0
	VPXOR        (SI), Y0, Y1           // Y1: the first vector
	LEAL         (BX*8), CX
	MOVL         AX, DX
	RORL         CX, DX                 // n-32 = n modulo 4
	VMOVD        DX, X2
	VPBROADCASTD X2, Y2
	VPXOR        -32(SI)(BX*1), Y2, Y2  // Y2: the last vector
	MOVQ         DI, R9
	LEAQ         -32(DI)(BX*1), R8

	// Go on at the first aligned address behind dst, and turn the key to it.
	ADDQ         $32, DI
	ANDQ         $-32, DI
	MOVQ         DI, CX
	SUBQ         R9, CX
	ADDQ         CX, SI
	SHLL         $3, CX
	RORL         CX, AX
	VMOVD        AX, X0
	VPBROADCASTD X0, Y0
	MOVQ         R8, BX
	SUBQ         DI, BX

avx2_by_128:
	CMPQ    BX, $128
	JLT     avx2_by_32
	VPXOR   (SI), Y0, Y3
	VPXOR   32(SI), Y0, Y4
	VPXOR   64(SI), Y0, Y5
	VPXOR   96(SI), Y0, Y6
	VMOVDQA Y3, (DI)
	VMOVDQA Y4, 32(DI)
	VMOVDQA Y5, 64(DI)
	VMOVDQA Y6, 96(DI)
	ADDQ    $128, SI
	ADDQ    $128, DI
	SUBQ    $128, BX
	JMP     avx2_by_128

avx2_by_32:
	CMPQ    BX, $0
	JLE     avx2_ends
	VPXOR   (SI), Y0, Y3
	VMOVDQA Y3, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $32, BX
	JMP     avx2_by_32

avx2_ends:
	VMOVDQU Y1, (R9)
	VMOVDQU Y2, (R8)
	VZEROUPPER
	RET

sse2:
	MOVD   AX, X0
	PSHUFD $0, X0, X0
	MOVOU  (SI), X1
	PXOR   X0, X1               // X1: the first vector
	LEAL   (BX*8), CX
	MOVL   AX, DX
	RORL   CX, DX               // n-16 = n modulo 4
	MOVD   DX, X0
	PSHUFD $0, X0, X0
	MOVOU  -16(SI)(BX*1), X2
	PXOR   X0, X2               // X2: the last vector
	MOVQ   DI, R9
	LEAQ   -16(DI)(BX*1), R8

	// Go on at the first aligned address behind dst, and turn the key to it.
	ADDQ   $16, DI
	ANDQ   $-16, DI
	MOVQ   DI, CX
	SUBQ   R9, CX
	ADDQ   CX, SI
	SHLL   $3, CX
	RORL   CX, AX
	MOVD   AX, X0
	PSHUFD $0, X0, X0
	MOVQ   R8, BX
	SUBQ   DI, BX

sse2_by_64:
	CMPQ  BX, $64
	JLT   sse2_by_16
	MOVOU (SI), X3
	MOVOU 16(SI), X4
	MOVOU 32(SI), X5
	MOVOU 48(SI), X6
	PXOR  X0, X3
	PXOR  X0, X4
	PXOR  X0, X5
	PXOR  X0, X6
	MOVOA X3, (DI)
	MOVOA X4, 16(DI)
	MOVOA X5, 32(DI)
	MOVOA X6, 48(DI)
	ADDQ  $64, SI
	ADDQ  $64, DI
	SUBQ  $64, BX
	JMP   sse2_by_64

sse2_by_16:
	CMPQ  BX, $0
	JLE   sse2_ends
	MOVOU (SI), X3
	PXOR  X0, X3
	MOVOA X3, (DI)
	ADDQ  $16, SI
	ADDQ  $16, DI
	SUBQ  $16, BX
	JMP   sse2_by_16

sse2_ends:
	MOVOU X1, (R9)
	MOVOU X2, (R8)
	RET
