import COneDNN

/// A compiled primitive with its memory handles: bind the buffers, run, as often as wanted.
///
/// Binding and running allocate nothing. One thread at a time.
final class Primitive {
  let descriptor: PrimitiveDescriptor
  private let raw: dnnl_primitive_t
  private let stream: dnnl_stream_t
  private var arguments: UnsafeMutableBufferPointer<dnnl_exec_arg_t>
  private var count = 0

  /// - Parameter arguments: the tensors it reads and writes, the scratchpad left out.
  init(_ descriptor: PrimitiveDescriptor, arguments list: [Argument]) throws {
    let runtime = try OneDNNRuntime.shared()
    var created: dnnl_primitive_t?
    try check(dnnl_primitive_create(&created, descriptor.raw), "primitive creation")
    guard let created else { preconditionFailure("oneDNN returned no primitive") }
    self.descriptor = descriptor
    raw = created
    stream = runtime.stream
    arguments = .allocate(capacity: list.count + 1)
    for argument in list + [.scratchpad] {
      guard let memory = descriptor.memory(argument) else { continue }
      try add(argument, memory, runtime.engine)
    }
  }

  deinit {
    for argument in arguments[..<count] { dnnl_memory_destroy(argument.memory) }
    arguments.deallocate()
    dnnl_primitive_destroy(raw)
  }

  private func add(
    _ argument: Argument, _ memory: MemoryDescriptor, _ engine: dnnl_engine_t
  ) throws {
    var handle: dnnl_memory_t?
    try check(
      withUnsafePointer(to: memory.raw) { dnnl_memory_create(&handle, $0, engine, nil) },
      "memory creation")
    arguments.initializeElement(
      at: count, to: dnnl_exec_arg_t(arg: argument.code, memory: handle))
    count += 1
  }

  /// Points an argument to its values; an argument the primitive does not have is ignored.
  func bind(_ argument: Argument, _ values: UnsafeRawPointer?) {
    for entry in arguments[..<count] where entry.arg == argument.code {
      mustSucceed(
        dnnl_memory_set_data_handle(entry.memory, UnsafeMutableRawPointer(mutating: values)),
        "set data handle")
    }
  }

  /// - Parameter scratchpad: memory of `descriptor.byteCount(.scratchpad)` bytes.
  func run(scratchpad: UnsafeMutableRawPointer?) {
    bind(.scratchpad, scratchpad)
    mustSucceed(
      dnnl_primitive_execute(raw, stream, Int32(count), arguments.baseAddress), "execution")
  }
}
