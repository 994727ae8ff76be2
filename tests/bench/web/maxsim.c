// Exact float32 MaxSim with WebAssembly SIMD: the benchmark's yardstick for what a scan of full vectors costs
// when it is written as tightly as WebAssembly allows. Compile (zig is on PyPI as ziglang):
//   python -m ziglang cc -target wasm32-freestanding -O3 -msimd128 -nostdlib \
//     -Wl,--no-entry -Wl,--import-memory -Wl,--export=maxsim -Wl,--export=__heap_base -s -o maxsim.wasm maxsim.c
//
// The query is transposed and padded: float32 [dimensions][tokens], tokens a multiple of 16. One vector of the
// index at a time is held against 16 query tokens (4 accumulators), two vectors at once: no horizontal sums.
#include <stdint.h>
#include <wasm_simd128.h>

void maxsim(const float *query, int tokens, int scored, int dimensions, const float *vectors,
            const uint32_t *lengths, int passages, float *scores, float *best) {
  for (int p = 0; p < passages; p++) {
    const int length = (int)lengths[p];
    for (int t = 0; t < tokens; t += 16) {
      v128_t top[4];
      for (int i = 0; i < 4; i++) top[i] = wasm_f32x4_splat(-1e30f);
      int v = 0;
      for (; v + 1 < length; v += 2) {
        const float *a = vectors + (long)v * dimensions, *b = a + dimensions;
        v128_t x0 = wasm_f32x4_splat(0), x1 = x0, x2 = x0, x3 = x0, y0 = x0, y1 = x0, y2 = x0, y3 = x0;
        const float *row = query + t;
        for (int d = 0; d < dimensions; d++, row += tokens) {
          const v128_t va = wasm_v128_load32_splat(a + d), vb = wasm_v128_load32_splat(b + d);
          const v128_t q0 = wasm_v128_load(row), q1 = wasm_v128_load(row + 4);
          const v128_t q2 = wasm_v128_load(row + 8), q3 = wasm_v128_load(row + 12);
          x0 = wasm_f32x4_add(x0, wasm_f32x4_mul(va, q0));
          x1 = wasm_f32x4_add(x1, wasm_f32x4_mul(va, q1));
          x2 = wasm_f32x4_add(x2, wasm_f32x4_mul(va, q2));
          x3 = wasm_f32x4_add(x3, wasm_f32x4_mul(va, q3));
          y0 = wasm_f32x4_add(y0, wasm_f32x4_mul(vb, q0));
          y1 = wasm_f32x4_add(y1, wasm_f32x4_mul(vb, q1));
          y2 = wasm_f32x4_add(y2, wasm_f32x4_mul(vb, q2));
          y3 = wasm_f32x4_add(y3, wasm_f32x4_mul(vb, q3));
        }
        top[0] = wasm_f32x4_pmax(top[0], wasm_f32x4_pmax(x0, y0));
        top[1] = wasm_f32x4_pmax(top[1], wasm_f32x4_pmax(x1, y1));
        top[2] = wasm_f32x4_pmax(top[2], wasm_f32x4_pmax(x2, y2));
        top[3] = wasm_f32x4_pmax(top[3], wasm_f32x4_pmax(x3, y3));
      }
      if (v < length) {
        const float *a = vectors + (long)v * dimensions, *row = query + t;
        v128_t x[4];
        for (int i = 0; i < 4; i++) x[i] = wasm_f32x4_splat(0);
        for (int d = 0; d < dimensions; d++, row += tokens)
          for (int i = 0; i < 4; i++)
            x[i] = wasm_f32x4_add(x[i], wasm_f32x4_mul(wasm_v128_load32_splat(a + d), wasm_v128_load(row + 4 * i)));
        for (int i = 0; i < 4; i++) top[i] = wasm_f32x4_pmax(top[i], x[i]);
      }
      for (int i = 0; i < 4; i++) wasm_v128_store(best + t + 4 * i, top[i]);
    }
    float sum = 0;
    for (int t = 0; t < scored; t++) sum += best[t];
    scores[p] = sum;
    vectors += (long)length * dimensions;
  }
}
