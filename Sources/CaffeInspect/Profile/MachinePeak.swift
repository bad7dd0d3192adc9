import CaffeCore
import CaffeKernels
import CaffeSolver

/// What the machine can do, measured.
enum MachinePeak {
  /// The fastest of a few products of square matrices, by OpenBLAS and by oneDNN, on the threads that
  /// nets use. In bfloat16 there are oneDNN's alone, if it has any.
  static func gigaflopsPerSecond(
    _ precision: Precision, side: Int = 1024, trials: Int = 10
  ) -> Double {
    let matrices = (0..<3).map { _ in Tensor([side, side]) }
    var durations = Durations()
    withExtendedLifetime(matrices) {
      let pointers = matrices.map { $0.overwrite() }
      for pointer in pointers { Vector.fill(pointer, with: 0.5, count: side * side) }
      // OpenBLAS alone where oneDNN has no code of its own.
      let product = try? OneDNNMatrixProduct(
        .rowMajor, .rowMajor, rows: side, columns: side, inner: side, precision: precision,
        scratchpad: Scratchpad())
      for _ in 0..<trials {
        if let product {
          durations.measure { product.run(pointers[0], pointers[1], into: pointers[2]) }
          if precision == .bfloat16 { continue }
        }
        durations.measure {
          Gemm.multiply(
            .init(pointers[0], stride: side), .init(pointers[1], stride: side), rows: side,
            columns: side, inner: side, into: pointers[2])
        }
      }
    }
    let fastest = durations.milliseconds.min() ?? .infinity
    return 2 * Double(side * side * side) / fastest / 1e6
  }
}
