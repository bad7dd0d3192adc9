import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema
import CaffeSolver
import Testing

/// Where a solver's precision comes from, and that it learns with it.
struct SolverPrecisionTests {
  private func solver(
    _ more: String, engine: Engine? = .caffe, precision: Precision? = nil
  ) throws -> Solver {
    try Solver(
      SolverParameter(text: more + MemoryReuseTests.text, file: "solver.prototxt"), engine: engine,
      precision: precision)
  }

  @Test func theCallerGoesBeforeTheSolver() throws {
    func used(_ more: String, _ precision: Precision?) throws -> Precision? {
      try solver(more, precision: precision).net.layers.first?.context.precision
    }
    #expect(try used("", nil) == .float32)
    #expect(try used("precision: BF16 ", nil) == .bfloat16)
    #expect(try used("precision: BF16 ", .float32) == .float32)
    #expect(try used("precision: FLOAT32 ", .bfloat16) == .bfloat16)
  }

  @Test func learnsNearlyTheSame() throws {
    let (rounding, exact) = (try solver("precision: BF16 "), try solver(""))
    for solver in [rounding, exact] { try solver.solve() }
    let (found, expected) = (rounding.net.store.data.values, exact.net.store.data.values)
    #expect(found != expected)
    // Five steps with operands of 8 bits.
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 0.02 })
  }

  @Test(.enabled(if: !Precision.isBFloat16Native, "the processor has bfloat16"))
  func otherProcessorsRefuse() {
    let error = #expect(throws: CaffeError.self) { try solver("precision: BF16 ", engine: nil) }
    #expect("\(error, default: "")".contains("needs a processor with AVX-512 BF16"))
  }
}
