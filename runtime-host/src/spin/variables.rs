//! `spin:variables@3.0.0`, and `fermyon:spin/variables@2.0.0` for components
//! that were built with older SDKs.

use wasmtime::component::{Accessor, Linker};

use crate::guest::store::Guest;

mod generated {
    wasmtime::component::bindgen!({
        path: "wit",
        inline: "
            package todoozle:variables;
            world imports {
                import spin:variables/variables@3.0.0;
                import fermyon:spin/variables@2.0.0;
            }
        ",
    });
}

use generated::fermyon::spin::variables as v2;
use generated::spin::variables::variables as v3;

pub fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    v3::add_to_linker::<_, Guest>(linker, |guest| guest)?;
    v2::add_to_linker::<_, Guest>(linker, |guest| guest)
}

fn undefined(name: &str) -> String {
    format!("no variable {name:?}: add it under the component's variables in the manifest")
}

impl v3::Host for Guest {}

impl<T> v3::HostWithStore<T> for Guest {
    async fn get(accessor: &Accessor<T, Self>, name: String) -> Result<String, v3::Error> {
        accessor.with(|mut access| {
            access
                .get()
                .variable(&name)
                .cloned()
                .ok_or_else(|| v3::Error::Undefined(undefined(&name)))
        })
    }
}

impl v2::Host for Guest {
    fn get(&mut self, name: String) -> Result<String, v2::Error> {
        self.variable(&name).cloned().ok_or_else(|| v2::Error::Undefined(undefined(&name)))
    }
}
