// The part of as-bind that this project uses. The package ships no usable types, and its main entry is its compiler
// transform; the runtime is reached by path.

declare module 'as-bind/dist/as-bind.cjs.js' {
  export interface AsBindInstance {
    readonly exports: Record<string, unknown>;
    readonly loadedModule: { readonly exports: Record<string, unknown> };
    /** Class id of a type in the module's descriptor; throws for a type it does not name. */
    getTypeId(typeName: string): number;
  }
  export interface Converter {
    ascToJs(instance: AsBindInstance, value: number, typeName: string): unknown;
    jsToAsc(instance: AsBindInstance, value: never, typeName: string): number;
  }
  interface AsBind {
    /** Tried in order; a string matches the type's whole name. */
    readonly converters: Map<string | RegExp, Converter>;
    instantiate(bytes: BufferSource, imports: Record<string, Record<string, unknown>>): Promise<AsBindInstance>;
  }
  const asBind: AsBind;
  export default asBind;
}
