import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Which implementation of a layer's arithmetic runs.
public enum Engine: String, Sendable, CaseIterable {
  /// OpenBLAS and C loops: the definition, complete, always available.
  case caffe = "CAFFE"
  /// oneDNN's primitives, where they agree with the definition.
  case oneDNN = "ONEDNN"
}

/// The engine a layer got, and why not another: a sentence for each that declined.
public struct EngineChoice: Sendable {
  public var engine = Engine.caffe
  public var refusals: [String] = []
  /// The name of the code that runs the forward pass, such as `jit:avx512_core`; `nil` for our own where
  /// there is but one.
  public var implementation: String?

  public init() {}
}

/// Counts the forward passes of one net: everything random or cyclic in a layer depends on nothing
/// else, so a run resumes exactly when this number is restored.
public final class PassClock {
  public package(set) var pass: UInt64 = 0

  public init() {}

  /// Says that a forward pass is complete; `Net.forward()` does so itself.
  public func advance() { pass += 1 }
}

/// What a layer is told about the net it is built for.
public struct LayerContext {
  public var phase: Phase
  /// The engine asked for on the command line; `nil` leaves the choice to each layer.
  public var engine: Engine?
  /// In which numbers convolutions, inner products and recurrent layers multiply.
  public var precision: Precision
  /// Whether a layer may do the work of those that run in place on its top. The engine `CAFFE` never
  /// does.
  public var fusesLayers: Bool
  /// Decides by measurement which code a layer runs; `nil` leaves that to built-in rules.
  public var choices: SpeedChoices?
  /// Whether blobs take turns with memory: values and gradient of an inner blob are gone (all zeros)
  /// once no layer needs them, and a net of the phase TEST runs only forward, large batches in parts where
  /// layers allow it: inner blobs then have fewer items. For programs in which nobody looks at them.
  public var reusesMemory: Bool
  /// Whether the values of parameters stay to be read. Else a layer of a net that only runs forward may
  /// give their memory back once it has them in an order of its own: for programs that load weights, but
  /// neither read nor save nor share them.
  public var keepsParameters: Bool
  /// Key of all random numbers of the net, together with the layer's name.
  public var seed: UInt64
  public let clock: PassClock
  /// What relative paths in the prototxt are relative to; empty for the current folder.
  public var folder: String
  /// Working memory shared by all layers of the net, which run one at a time.
  package let scratchpad = Scratchpad()
  /// Bytes of blobs' values at the same time beyond which a net that only runs forward takes batches
  /// through its layers in parts.
  package var mostBlobBytes = 48 << 20
  package var runsOnlyForward: Bool { reusesMemory && phase == .test }
  /// Receives remarks for the log.
  public var report: (String) -> Void

  public init(
    phase: Phase, engine: Engine? = nil, precision: Precision = .float32, fusesLayers: Bool = true,
    choices: SpeedChoices? = nil, reusesMemory: Bool = false, keepsParameters: Bool = true,
    seed: UInt64 = 0, clock: PassClock = PassClock(), folder: String = "",
    report: @escaping (String) -> Void = { _ in }
  ) {
    self.phase = phase
    self.engine = engine
    self.precision = precision
    self.fusesLayers = fusesLayers && engine != .caffe
    self.choices = choices
    self.reusesMemory = reusesMemory
    self.keepsParameters = keepsParameters
    self.seed = seed
    self.clock = clock
    self.folder = folder
    self.report = report
  }

  /// - Throws: for a precision that is not the processor's, unless the engine CAFFE is to imitate it.
  package func checkPrecision() throws {
    guard precision == .bfloat16, engine != .caffe, !Precision.isBFloat16Native else { return }
    throw CaffeError(
      "precision BF16 needs a processor with AVX-512 BF16, which this one does not have; the engine CAFFE imitates it on any processor, more slowly than FLOAT32"
    )
  }

  /// The path that `path` in the prototxt means.
  public func resolve(_ path: String) -> String { LayerContext.path(path, from: folder) }

  /// `path` seen from `folder`, unless it is absolute; an empty folder is the current one.
  package static func path(_ path: String, from folder: String) -> String {
    path.hasPrefix("/") || folder.isEmpty ? path : folder + "/" + path
  }
}
