import COneDNN

/// The role of a tensor in a primitive.
struct Argument: Equatable {
  let code: Int32

  static var input: Argument { Argument(code: DNNL_ARG_SRC_0) }
  static var output: Argument { Argument(code: DNNL_ARG_DST_0) }
  static var weights: Argument { Argument(code: DNNL_ARG_WEIGHTS_0) }
  static var bias: Argument { Argument(code: DNNL_ARG_BIAS) }
  static var workspace: Argument { Argument(code: DNNL_ARG_WORKSPACE) }
  static var scratchpad: Argument { Argument(code: DNNL_ARG_SCRATCHPAD) }
  static var inputGradient: Argument { Argument(code: DNNL_ARG_DIFF_SRC_0) }
  static var outputGradient: Argument { Argument(code: DNNL_ARG_DIFF_DST_0) }
  static var weightsGradient: Argument { Argument(code: DNNL_ARG_DIFF_WEIGHTS_0) }
  static var biasGradient: Argument { Argument(code: DNNL_ARG_DIFF_BIAS) }
}

/// What a primitive does besides its own work.
package enum FusedStep: Sendable {
  case nothing
  /// `max(x, 0) + slope·min(x, 0)` on each output.
  case relu(slope: Float)
  /// The output is added to what is there.
  case sum
  /// Both: the ReLU is of the sum.
  case sumAndReLU(slope: Float)

  package var isSum: Bool {
    switch self {
    case .sum, .sumAndReLU: true
    case .nothing, .relu: false
    }
  }
}

/// A `FusedStep` and a scratchpad of the caller's, in oneDNN's terms.
final class Attributes {
  let raw: dnnl_primitive_attr_t

  init(fused: FusedStep = .nothing) throws {
    var created: dnnl_primitive_attr_t?
    try check(dnnl_primitive_attr_create(&created), "attribute creation")
    guard let created else { preconditionFailure("oneDNN returned no attributes") }
    raw = created
    try check(
      dnnl_primitive_attr_set_scratchpad_mode(raw, dnnl_scratchpad_mode_user), "scratchpad mode")
    try fuse(fused)
  }

  deinit {
    dnnl_primitive_attr_destroy(raw)
  }

  private func fuse(_ fused: FusedStep) throws {
    var list: dnnl_post_ops_t?
    try check(dnnl_post_ops_create(&list), "fusion list creation")
    defer { dnnl_post_ops_destroy(list) }
    if case .nothing = fused { return }
    if fused.isSum { try check(dnnl_post_ops_append_sum(list, 1), "fusion of a sum") }
    switch fused {
    case .relu(let slope), .sumAndReLU(let slope):
      try check(
        dnnl_post_ops_append_eltwise(list, 1, dnnl_eltwise_relu, slope, 0), "fusion of ReLU")
    case .nothing, .sum: break
    }
    try check(dnnl_primitive_attr_set_post_ops(raw, list), "fusion")
  }
}

/// A primitive that oneDNN has agreed to run: which implementation, in which layouts.
final class PrimitiveDescriptor {
  let raw: dnnl_primitive_desc_t

  /// - Throws: `EngineRefusal` if nothing but oneDNN's slow reference implements the operation,
  ///   unless that is accepted.
  init(
    _ name: String, acceptingReference: Bool = false,
    create: (OneDNNRuntime, inout dnnl_primitive_desc_t?) throws -> dnnl_status_t
  ) throws {
    var created: dnnl_primitive_desc_t?
    try check(try create(try OneDNNRuntime.shared(), &created), name)
    guard let created else { preconditionFailure("oneDNN returned no \(name) descriptor") }
    raw = created
    if !acceptingReference && isReference {
      throw EngineRefusal("only oneDNN's slow reference implements this \(name)")
    }
  }

  /// - Parameters:
  ///   - operation: a filled-in `dnnl_…_desc_t`.
  ///   - hint: the forward pass this is the backward pass of.
  convenience init<Operation>(
    _ name: String, operation: Operation, attributes: Attributes,
    hint: PrimitiveDescriptor? = nil
  ) throws {
    try self.init(name) { runtime, created in
      withUnsafePointer(to: operation) {
        dnnl_primitive_desc_create(&created, $0, attributes.raw, runtime.engine, hint?.raw)
      }
    }
  }

  deinit {
    dnnl_primitive_desc_destroy(raw)
  }

  /// oneDNN's name of the chosen code, such as `jit:avx512_core` or `jit_wino_4x3:avx512_core`.
  var implementation: String {
    var name: UnsafePointer<CChar>?
    let status = withUnsafeMutablePointer(to: &name) {
      dnnl_primitive_desc_query(raw, dnnl_query_impl_info_str, 0, $0)
    }
    guard status == dnnl_success, let name else { return "unknown" }
    return String(cString: name)
  }

  /// Plain loops kept for completeness: `ref:any`, `lrn_ref:any`.
  private var isReference: Bool {
    (implementation.split(separator: ":").first ?? "").hasSuffix("ref")
  }

  /// The layout chosen for an argument; nil if the primitive has no such argument.
  func memory(_ argument: Argument) -> MemoryDescriptor? {
    guard let found = dnnl_primitive_desc_query_md(raw, dnnl_query_exec_arg_md, argument.code),
      found.pointee.ndims > 0
    else { return nil }
    return MemoryDescriptor(found.pointee)
  }

  /// As `memory`, for arguments the caller has described itself.
  func layout(_ argument: Argument) -> OneDNNMemoryLayout {
    guard let descriptor = memory(argument) else {
      preconditionFailure("\(implementation) has no argument \(argument.code)")
    }
    return OneDNNMemoryLayout(descriptor)
  }

  /// Bytes of an argument the primitive may or may not have.
  func byteCount(_ argument: Argument) -> Int {
    memory(argument)?.byteCount ?? 0
  }
}
